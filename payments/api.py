"""The API: the gateway's callback, and batches and transfers to read. Translates in, makes one call, translates out."""

import re
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.audit import clock
from foundation.gateway import inbox
from foundation.users.api import holds
from foundation.users.roles import Permission
from payments import queries, tasks
from payments.models import PayoutBatch, Transfer

POSITION = re.compile(r"[0-9]{1,18}")  # the row that a page begins after: an id that PostgreSQL's bigint holds


class Pages(CursorPagination):
    """Pages by key: the thousandth costs what the first does."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The cursor asked for. Its position goes into the query as it is, so what is no number of a row ends here."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not POSITION.fullmatch(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class BatchSerializer(serializers.ModelSerializer[PayoutBatch]):
    """A payout batch; amounts are whole đồng."""

    list_hash = serializers.SerializerMethodField()
    state_label = serializers.CharField(source="get_state_display", read_only=True)

    class Meta:
        model = PayoutBatch
        fields = [
            "id", "fund", "unit", "period", "kind", "sequence", "version", "state", "state_label",
            "requested_execution_date", "number_of_transactions", "control_sum", "number_excluded", "list_hash",
            "submitted_at", "approved_at", "started_at", "drained_at",
        ]  # fmt: skip

    def get_list_hash(self, batch: PayoutBatch) -> str | None:
        """The frozen list's hash in hexadecimal, which approvers sign."""
        return bytes(batch.list_hash).hex() if batch.list_hash is not None else None


class PartSerializer(serializers.Serializer[Any]):
    """How many payments, and how many đồng."""

    count = serializers.IntegerField()
    amount = serializers.IntegerField()


class TotalsSerializer(serializers.Serializer[Any]):
    """Where the payments of a batch stand."""

    planned = PartSerializer()
    settled = PartSerializer()
    rejected = PartSerializer()
    returned = PartSerializer()
    cancelled = PartSerializer()
    open = PartSerializer()


class BatchDetailSerializer(BatchSerializer):
    """A payout batch with its totals."""

    totals = serializers.SerializerMethodField()

    class Meta(BatchSerializer.Meta):
        fields = [*BatchSerializer.Meta.fields, "totals"]

    @extend_schema(responses=TotalsSerializer)
    def get_totals(self, batch: PayoutBatch) -> dict[str, Any]:
        """Counts and sums from the chunks."""
        return dict(TotalsSerializer(queries.batch_totals(batch_id=batch.pk)).data)


class TransferSerializer(serializers.ModelSerializer[Transfer]):
    """A transfer; the account is masked, the number itself never leaves by this door."""

    creditor_account = serializers.CharField(source="payout_account.number_masked", default=None, read_only=True)
    state_label = serializers.CharField(source="get_state_display", read_only=True)

    class Meta:
        model = Transfer
        fields = [
            "end_to_end_id", "public_reference", "batch", "route", "creditor_name", "creditor_agent", "creditor_account",
            "instructed_amount", "remittance_information", "state", "state_label", "settlement_level",
            "transaction_status", "status_reason", "sent_count", "first_sent_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = fields


class BatchViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[PayoutBatch]):
    """Payout batches of the units that the caller may see."""

    queryset = PayoutBatch.objects.none()
    pagination_class = Pages
    permission_classes = [holds(Permission.VIEW_BATCHES)]

    def get_queryset(self) -> QuerySet[PayoutBatch]:
        """Those visible to the caller, now."""
        return PayoutBatch.objects.visible_to(self.request.user, at=clock.now())  # type: ignore[arg-type]

    def get_serializer_class(self) -> type[serializers.BaseSerializer[PayoutBatch]]:
        """Totals are for one batch, not for a list of them."""
        return BatchDetailSerializer if self.action == "retrieve" else BatchSerializer


class TransferViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Transfer]):
    """Transfers by their end_to_end_id, or those of one batch (`?batch=`)."""

    queryset = Transfer.objects.none()
    permission_classes = [holds(Permission.VIEW_BATCHES)]
    serializer_class = TransferSerializer
    pagination_class = Pages
    lookup_field = "end_to_end_id"
    lookup_value_regex = "[0-9a-f]{32}"

    def get_queryset(self) -> QuerySet[Transfer]:
        """Those visible to the caller, now; a batch that is no number has none."""
        visible = Transfer.objects.visible_to(self.request.user, at=clock.now())  # type: ignore[arg-type]
        batch = self.request.query_params.get("batch")
        if batch is not None:
            visible = (
                visible.filter(batch_id=int(batch))
                if batch.isascii() and batch.isdigit() and len(batch) < 18
                else visible.none()
            )
        return visible.select_related("payout_account")


class GatewayCallback(APIView):
    """Where banks and VNeID tell of what happened. Proven by signature, stored, answered; workers take it up after that."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes: list[Any] = []
    parser_classes: list[Any] = []

    @extend_schema(
        request=None,
        responses={
            204: OpenApiResponse(description="Stored, or stored before with the same body"),
            400: OpenApiResponse(description="Proven, but no message of the contract"),
            401: OpenApiResponse(description="The signature does not prove where it comes from"),
            409: OpenApiResponse(description="The same id came before with another body"),
            413: OpenApiResponse(description="Too large"),
        },
    )
    def post(self, request: Request) -> Response:
        """Receive one signed message (docs/gateway-contract.md, 5)."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > inbox.MAXIMUM_BYTES:
            return Response(status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        try:
            receipt = inbox.receive(headers=dict(request.headers), body=request._request.body)
        except inbox.TooLarge:
            return Response(status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        except inbox.SignatureRefused:
            return Response(status=status.HTTP_401_UNAUTHORIZED)
        except inbox.Malformed:
            return Response(status=status.HTTP_400_BAD_REQUEST)
        if receipt.state == inbox.ReceiptState.CONFLICT:
            return Response(status=status.HTTP_409_CONFLICT)
        tasks.ring_for_messages()
        return Response(status=status.HTTP_204_NO_CONTENT)
