"""Addresses of the payments room."""

from django.urls import include, path, register_converter
from rest_framework.routers import SimpleRouter

from payments import api
from payments.views import auditor, citizen, verification
from payments.views.officer import (
    acts,
    approval,
    batch,
    cash,
    differences,
    files,
    funds,
    lists,
    proposals,
    recoveries,
    review,
    statements,
    stopping,
    vouchers,
)


class EndToEndId:
    """The code of a payment in an address; anything else is not found before anybody asks the database."""

    regex = "[0-9a-fA-F]{32}"

    def to_python(self, value: str) -> str:
        """As it stands in the database."""
        return value.lower()

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


class MessageId(EndToEndId):
    """The id of a message, ours or the gateway's."""

    regex = "[!-.0-~]{1,64}"  # printable, no slash

    def to_python(self, value: str) -> str:
        """As it is: letters count."""
        return value


register_converter(EndToEndId, "end_to_end_id")
register_converter(MessageId, "message_id")

router = SimpleRouter()
router.register("batches", api.BatchViewSet, basename="api-batch")
router.register("transfers", api.TransferViewSet, basename="api-transfer")

urlpatterns = [
    path("api/v1/gateway/callbacks", api.GatewayCallback.as_view(), name="gateway-callback"),
    path("api/v1/", include(router.urls)),
    path("cua-toi/khoan-chi/", citizen.my_payments, name="my-payments"),
    path("cua-toi/khoan-chi/<slug:code>/", citizen.my_payment, name="my-payment"),
    path("can-bo/dot-chi/", lists.batches, name="batches"),
    path("can-bo/dot-chi/lap", lists.new, name="batch-new"),
    path("can-bo/dot-chi/<int:batch_id>/", batch.summary, name="batch"),
    path("can-bo/dot-chi/<int:batch_id>/danh-sach", batch.transfers, name="batch-transfers"),
    path("can-bo/dot-chi/<int:batch_id>/khong-chi", batch.excluded, name="batch-excluded"),
    path("can-bo/dot-chi/<int:batch_id>/thay-doi", batch.changes, name="batch-changes"),
    path("can-bo/dot-chi/<int:batch_id>/nhat-ky", batch.log, name="batch-log"),
    path("can-bo/dot-chi/<int:batch_id>/trinh", acts.submit, name="batch-submit"),
    path("can-bo/dot-chi/<int:batch_id>/rut-lai", acts.withdraw, name="batch-withdraw"),
    path("can-bo/dot-chi/<int:batch_id>/tra-lai", acts.reject, name="batch-reject"),
    path("can-bo/dot-chi/<int:batch_id>/tam-dung", acts.hold, name="batch-hold"),
    path("can-bo/dot-chi/<int:batch_id>/chi-tiep", acts.release, name="batch-release"),
    path("can-bo/dot-chi/<int:batch_id>/huy", acts.cancel, name="batch-cancel"),
    path("can-bo/dot-chi/<int:batch_id>/duyet", approval.approve, name="batch-approve"),
    path("can-bo/dot-chi/<int:batch_id>/tien-mat", cash.cash, name="batch-cash"),
    path("can-bo/dot-chi/<int:batch_id>/tien-mat/ky-nhan", cash.collect, name="batch-cash-collect"),
    path("can-bo/dot-chi/<int:batch_id>/tien-mat/in", cash.print_list, name="batch-cash-print"),
    path("can-bo/dot-chi/<int:batch_id>/tien-mat/giao", cash.hand, name="batch-cash-hand-over"),
    path("can-bo/dot-chi/<int:batch_id>/tien-mat/chuyen-ky", cash.carry, name="batch-cash-carry-over"),
    path("can-bo/dot-chi/<int:batch_id>/tep", files.files, name="batch-files"),
    path("can-bo/dot-chi/<int:batch_id>/tep/lap/<str:route>", files.make, name="batch-file-make"),
    path("can-bo/dot-chi/<int:batch_id>/tep/<int:file_id>/tai/<str:kind>", files.take, name="batch-file-take"),
    path("can-bo/dot-chi/<int:batch_id>/tep/<int:file_id>/lap-lai", files.replace, name="batch-file-replace"),
    path("can-bo/dot-chi/<int:batch_id>/ket-qua/nhan/<str:route>", files.bring, name="batch-result-new"),
    path("can-bo/dot-chi/<int:batch_id>/ket-qua/<int:result_id>/", files.result, name="batch-result"),
    path("can-bo/dot-chi/<int:batch_id>/ket-qua/<int:result_id>/ghi", files.commit, name="batch-result-commit"),
    path("can-bo/dot-chi/<int:batch_id>/ket-qua/<int:result_id>/bo", files.cancel, name="batch-result-cancel"),
    path("can-bo/nguoi-thu-hai/", proposals.waiting, name="proposals"),
    path("can-bo/nguoi-thu-hai/<int:proposal_id>/", proposals.proposal, name="proposal"),
    path("can-bo/nguoi-thu-hai/<int:proposal_id>/dong-y", proposals.agree, name="proposal-agree"),
    path("can-bo/nguoi-thu-hai/<int:proposal_id>/khong-dong-y", proposals.disagree, name="proposal-disagree"),
    path("can-bo/nguoi-thu-hai/<int:proposal_id>/rut-lai", proposals.take_back, name="proposal-take-back"),
    path("can-bo/nguoi-thu-hai/<int:proposal_id>/tai-lieu", proposals.paper, name="proposal-paper"),
    path("can-bo/nguoi-thu-hai/cho-xem-xet/", review.review, name="review"),
    path(
        "can-bo/nguoi-thu-hai/cho-xem-xet/<end_to_end_id:end_to_end_id>/ket-luan", review.decide, name="review-decide"
    ),
    path("can-bo/nguoi-thu-hai/dung-chi-tra", stopping.stop, name="payments-stop"),
    path("can-bo/nguoi-thu-hai/mo-lai-chi-tra", stopping.resume, name="payments-resume"),
    path("can-bo/nguon/", funds.funds, name="funds"),
    path("can-bo/nguon/<int:fund_id>/", funds.fund, name="fund"),
    path("can-bo/nguon/<int:fund_id>/so-cai", funds.ledger, name="fund-ledger"),
    path("can-bo/nguon/<int:fund_id>/nop-tra", funds.remit, name="fund-remit"),
    path("can-bo/nguon/<int:fund_id>/chung-tu", vouchers.vouchers, name="fund-vouchers"),
    path("can-bo/nguon/<int:fund_id>/chung-tu/ghi", vouchers.new, name="voucher-new"),
    path("can-bo/nguon/chung-tu/<int:voucher_id>/", vouchers.voucher, name="voucher"),
    path("can-bo/nguon/chung-tu/<int:voucher_id>/xac-nhan", vouchers.confirm, name="voucher-confirm"),
    path("can-bo/nguon/chung-tu/<int:voucher_id>/tu-choi", vouchers.refuse, name="voucher-refuse"),
    path("can-bo/nguon/thu-hoi/", recoveries.recoveries, name="recoveries"),
    path("can-bo/nguon/thu-hoi/ghi", recoveries.new, name="recovery-new"),
    path("can-bo/nguon/thu-hoi/<int:recovery_id>/", recoveries.recovery, name="recovery"),
    path("can-bo/nguon/thu-hoi/<int:recovery_id>/xac-nhan", recoveries.confirm, name="recovery-confirm"),
    path("can-bo/nguon/thu-hoi/<int:recovery_id>/tu-choi", recoveries.refuse, name="recovery-refuse"),
    path("can-bo/nguon/thu-hoi/<int:recovery_id>/thoi-thu", recoveries.stop, name="recovery-stop"),
    path("can-bo/dot-chi/<int:batch_id>/doi-soat", differences.of_batch, name="batch-reconciliation"),
    path("can-bo/doi-soat/", statements.days, name="reconciliation"),
    path("can-bo/doi-soat/sao-ke/", statements.files, name="statement-files"),
    path("can-bo/doi-soat/sao-ke/tai-len", statements.upload, name="statement-upload"),
    path("can-bo/doi-soat/sao-ke/lay", statements.fetch, name="statement-fetch"),
    path("can-bo/doi-soat/sao-ke/tep/<int:file_id>/", statements.file, name="statement-file"),
    path("can-bo/doi-soat/sao-ke/<int:statement_id>/", statements.statement, name="statement"),
    path("can-bo/doi-soat/chenh-lech/", differences.differences, name="differences"),
    path("can-bo/doi-soat/chenh-lech/<int:difference_id>/", differences.difference, name="difference"),
    path("can-bo/doi-soat/chenh-lech/<int:difference_id>/nhan", differences.take, name="difference-take"),
    path("can-bo/doi-soat/chenh-lech/<int:difference_id>/ghi-chu", differences.comment, name="difference-comment"),
    path("can-bo/doi-soat/chenh-lech/<int:difference_id>/de-nghi", differences.propose, name="difference-propose"),
    path("can-bo/doi-soat/chenh-lech/<int:difference_id>/rut", differences.withdraw, name="difference-withdraw"),
    path("can-bo/doi-soat/chenh-lech/<int:difference_id>/quyet", differences.decide, name="difference-decide"),
    path("he-thong/kiem-chung/", verification.verification, name="verification"),
    path("kiem-toan/", auditor.search, name="trace-search"),
    path("kiem-toan/dot-chi/<int:batch_id>/", auditor.batch, name="trace-batch"),
    path("kiem-toan/khoan-chi/<end_to_end_id:end_to_end_id>/", auditor.transfer, name="trace-transfer"),
    path("kiem-toan/khoan-chi/<end_to_end_id:end_to_end_id>/xuat/<str:kind>/", auditor.export, name="trace-export"),
    path(
        "kiem-toan/khoan-chi/<end_to_end_id:end_to_end_id>/thong-diep/<message_id:reference>/",
        auditor.message,
        name="trace-message",
    ),
]
