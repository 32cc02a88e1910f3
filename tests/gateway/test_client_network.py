"""The client against a real socket that misbehaves: what is proven not sent, and that all else is unknown."""

import datetime as dt
import json
import socket
import ssl
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from foundation.gateway.client import HttpGateway
from foundation.gateway.errors import NotSent, OutcomeUnknown
from foundation.gateway.transport import DeadlineTransport
from tests.gateway.conftest import SECRET, credits_answer, error, result, submit, transfer
from tests.gateway.hostile import HostileServer, Peer, Script

GOOD = json.dumps(credits_answer()).encode()
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def client(server: HostileServer, transport: DeadlineTransport | None = None) -> HttpGateway:
    return HttpGateway(base_url=server.url, secret=SECRET, transport=transport)


def outcome(script: Script, *, deadline: float = 5.0) -> OutcomeUnknown:
    """The one way a call may end on a server that took the request: unknown, in time, after exactly one request."""
    with HostileServer(script) as server:
        gateway = client(server)
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown) as caught:
            submit(gateway, deadline_seconds=deadline)
        assert time.monotonic() - started < deadline + 0.5
        gateway.close()
    assert len(server.requests) == 1
    return caught.value


class TestTotalDeadline:
    def test_over_a_server_that_never_answers(self):
        assert outcome(lambda peer: peer.wait(), deadline=0.5).why == "TIMEOUT"

    def test_over_a_body_of_one_byte_at_a_time(self):
        def script(peer: Peer) -> None:
            peer.send(JSON_HEAD + b"content-length: %d\r\n\r\n" % len(GOOD))
            peer.drip(GOOD, every=0.05)

        error = outcome(script, deadline=0.6)
        assert error.why == "TIMEOUT"
        assert error.exchange is not None
        assert error.exchange.answer
        assert GOOD.startswith(error.exchange.answer)

    def test_over_a_head_of_one_byte_at_a_time(self):
        assert outcome(lambda peer: peer.drip(JSON_HEAD + GOOD, every=0.05), deadline=0.6).why == "TIMEOUT"

    def test_over_informational_answers_without_end(self):
        def script(peer: Peer) -> None:
            while not peer.stopping.wait(0.02):
                peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")

        assert outcome(script, deadline=0.5).why == "TIMEOUT"

    def test_over_a_peer_that_does_not_take_the_request(self):
        """The kernel's buffers are full long before a megabyte: the write itself has to end in time."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        gateway = HttpGateway(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", secret=SECRET)
        many = [transfer(number, creditor_name="Ạ" * 70, remittance_information="Ạ" * 140) for number in range(1000)]
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown) as caught:
            submit(gateway, transfers=many, deadline_seconds=0.5)
        assert time.monotonic() - started < 1.0
        assert caught.value.why == "TIMEOUT"
        gateway.close()
        listener.close()

    def test_is_looked_at_right_before_the_first_byte(self, monkeypatch):
        """A connection that came up too late carries nothing: its lease may be another worker's by now."""
        connect = socket.create_connection
        connected = []

        def slow(*args, **kwargs):
            time.sleep(0.4)
            connected.append(connect(*args, **kwargs))
            return connected[0]

        with HostileServer(lambda peer: peer.answer(GOOD)) as server:
            monkeypatch.setattr(socket, "create_connection", slow)
            with pytest.raises(NotSent) as caught:
                submit(client(server), deadline_seconds=0.2)
        assert caught.value.reason == "DEADLINE"
        assert len(connected) == 1
        assert server.bytes_received == 0


class TestBrokenAnswers:
    def test_cut_before_a_word(self):
        assert outcome(lambda peer: peer.connection.close()).why.startswith("CUT")

    def test_reset(self):
        def script(peer: Peer) -> None:
            peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            peer.connection.close()

        assert outcome(script).why.startswith("CUT")

    @pytest.mark.parametrize("kept", [1, 20, len(GOOD) - 1])
    def test_cut_in_the_body(self, kept):
        def script(peer: Peer) -> None:
            peer.send(JSON_HEAD + b"content-length: %d\r\n\r\n" % len(GOOD) + GOOD[:kept])
            peer.connection.close()

        error = outcome(script)
        assert error.why.startswith("CUT")
        assert error.exchange is not None
        assert error.exchange.answer == GOOD[:kept]

    def test_cut_between_two_chunks(self):
        def script(peer: Peer) -> None:
            peer.send(JSON_HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n" % (len(GOOD), GOOD))
            peer.connection.close()

        assert outcome(script).why.startswith("CUT"), "a whole document without the last chunk is not a whole answer"

    def test_a_length_that_cuts_the_document(self):
        assert outcome(lambda peer: peer.answer(GOOD[:-1])).why == "NOT_JSON"

    def test_not_http(self):
        assert outcome(lambda peer: peer.send(b"SSH-2.0-OpenSSH\r\n\r\n")).why.startswith("CUT")

    def test_a_head_without_end(self):
        assert outcome(lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 300_000)).why.startswith("CUT")

    def test_html(self):
        page = b"<html>502 Bad Gateway</html>"
        assert outcome(lambda peer: peer.answer(page, headers="content-type: text/html\r\n")).why == "CONTENT_TYPE"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status):
        with HostileServer(lambda peer: peer.answer(GOOD)) as elsewhere:
            location = f"location: {elsewhere.url}/bank/v1/credits\r\n"
            assert outcome(lambda peer: peer.answer(GOOD, status=status, headers=location)).why == f"HTTP_{status}"
        assert elsewhere.connections == 0

    def test_half_processed_and_500(self):
        body = json.dumps({"results": [result(transfer(1))]}).encode()
        assert outcome(lambda peer: peer.answer(body, status=500)).why == "HTTP_500"

    def test_a_body_of_a_gigabyte(self):
        sent = 0

        def script(peer: Peer) -> None:
            nonlocal sent
            peer.send(JSON_HEAD + b"content-length: 1073741824\r\n\r\n")
            while sent < 2**30:
                peer.send(b" " * 65536)
                sent += 65536

        assert outcome(script).why == "TOO_LARGE"
        assert sent < 64 * 2**20, "the client must stop reading, not only stop keeping"

    def test_a_cookie_is_not_given_back(self):
        with HostileServer(
            lambda peer: peer.answer(GOOD, headers="content-type: application/json\r\nset-cookie: a=1\r\n")
        ) as server:
            gateway = client(server)
            submit(gateway)
            submit(gateway)
            gateway.close()
        assert b"cookie" not in server.requests[1][0].lower()


class TestConnections:
    def test_refused_is_proof_of_not_sent(self):
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        with pytest.raises(NotSent) as caught:
            submit(HttpGateway(base_url=f"http://127.0.0.1:{port}", secret=SECRET))
        assert caught.value.reason == "CONNECT"
        assert caught.value.exchange is not None
        assert caught.value.exchange.answer is None

    def test_a_name_without_an_address_is_proof_of_not_sent(self, monkeypatch):
        def fail(*_args, **_kwargs):
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(NotSent):
            submit(HttpGateway(base_url="http://gateway.test", secret=SECRET))

    def test_are_used_once_each(self):
        with HostileServer(lambda peer: peer.answer(GOOD)) as server:
            gateway = client(server)
            for _ in range(3):
                submit(gateway)
            gateway.close()
        assert (len(server.requests), server.connections) == (3, 3)
        assert all(b"connection: close" in head.lower() for head, _ in server.requests)

    def test_an_answer_sent_twice_does_not_answer_the_next_message(self):
        """On a kept connection the second copy would be read as the answer to the next inquiry."""

        def script(peer: Peer) -> None:
            if len(server.requests) == 1:
                peer.send(2 * (JSON_HEAD + b"content-length: %d\r\n\r\n%b" % (len(GOOD), GOOD)))
            else:
                peer.answer(b"{}")

        with HostileServer(script) as server:
            gateway = client(server)
            assert submit(gateway).is_clean
            with pytest.raises(OutcomeUnknown):
                submit(gateway)
            gateway.close()


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path):
        def make(*, days: int = 1, address: str = "127.0.0.1"):
            import ipaddress

            key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
            now = datetime.now(UTC)
            built = (
                x509.CertificateBuilder()
                .subject_name(name)
                .issuer_name(name)
                .public_key(key.public_key())
                .serial_number(1)
                .not_valid_before(now - timedelta(days=9))
                .not_valid_after(now + dt.timedelta(days=days))
                .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
                .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
                .sign(key, hashes.SHA256())
            )
            path = tmp_path / "gateway.pem"
            path.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
                + built.public_bytes(serialization.Encoding.PEM)
            )
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(path)
            return path, context

        return make

    def trusting(self, path) -> DeadlineTransport:
        return DeadlineTransport(ssl.create_default_context(cafile=path))

    def test_a_trusted_certificate_carries_the_call(self, certificate):
        path, context = certificate()
        with HostileServer(lambda peer: peer.answer(GOOD), tls=context) as server:
            gateway = client(server, self.trusting(path))
            assert submit(gateway).is_clean
            gateway.close()

    @pytest.mark.parametrize("flaw", [{"days": -1}, {"address": "127.0.0.2"}])
    def test_an_expired_certificate_or_one_of_another_host_is_proof_of_not_sent(self, certificate, flaw):
        path, context = certificate(**flaw)
        with HostileServer(lambda peer: peer.answer(GOOD), tls=context) as server, pytest.raises(NotSent) as caught:
            submit(client(server, self.trusting(path)))
        assert caught.value.reason == "CONNECT"
        assert server.requests == []

    def test_an_unknown_authority_is_proof_of_not_sent(self, certificate):
        _, context = certificate()
        with HostileServer(lambda peer: peer.answer(GOOD), tls=context) as server, pytest.raises(NotSent):
            submit(client(server))
        assert server.requests == []

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
    def test_an_old_protocol_is_proof_of_not_sent(self, certificate):
        path, context = certificate()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with HostileServer(lambda peer: peer.answer(GOOD), tls=context) as server, pytest.raises(NotSent):
            submit(client(server, self.trusting(path)))
        assert server.requests == []

    def test_a_server_without_tls_gets_nothing_to_read(self):
        with HostileServer(lambda peer: peer.answer(GOOD)) as server:
            gateway = HttpGateway(base_url=server.url.replace("http:", "https:"), secret=SECRET)
            with pytest.raises(NotSent):
                submit(gateway, deadline_seconds=0.5)
        assert server.requests == []

    def test_a_cut_after_the_handshake_is_unknown(self, certificate):
        path, context = certificate()
        server = HostileServer(lambda peer: peer.connection.close(), tls=context)
        with server, pytest.raises(OutcomeUnknown):
            submit(client(server, self.trusting(path)))
        assert len(server.requests) == 1


STATEMENT = b"<Document>" + b"<Ntry/>" * 50_000 + b"</Document>"
XML_HEAD = "content-type: application/xml\r\n"


class TestStatement:
    def fetch(self, script: Script, **options):
        with HostileServer(script) as server:
            gateway = client(server)
            try:
                return b"".join(gateway.fetch_statement(date(2026, 11, 23), **options)), server
            finally:
                gateway.close()

    def test_streams_in(self):
        content, server = self.fetch(lambda peer: peer.answer(STATEMENT, headers=XML_HEAD))
        assert content == STATEMENT
        assert server.requests[0][0].startswith(b"GET /bank/v1/statements/2026-11-23 HTTP/1.1\r\n")

    def test_may_be_of_one_account_and_of_a_day_that_is_not_over(self):
        _, server = self.fetch(
            lambda peer: peer.answer(STATEMENT, headers=XML_HEAD), debtor_account="3713.0.1055555", interim=True
        )
        target = b"GET /bank/v1/statements/2026-11-23?debtor_account=3713.0.1055555&interim=1 HTTP"
        assert server.requests[0][0].startswith(target)

    def test_that_is_cut_ends_with_an_error(self):
        def script(peer: Peer) -> None:
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ntransfer-encoding: chunked\r\n\r\n")
            peer.send(b"%x\r\n%b\r\n" % (len(STATEMENT), STATEMENT))
            peer.connection.close()

        with pytest.raises(OutcomeUnknown):
            self.fetch(script)

    def test_that_drips_ends_at_the_deadline(self):
        def script(peer: Peer) -> None:
            peer.send(f"HTTP/1.1 200 OK\r\n{XML_HEAD}content-length: {len(STATEMENT)}\r\n\r\n".encode())
            peer.drip(STATEMENT, every=0.05)

        with pytest.raises(OutcomeUnknown, match="TIMEOUT"):
            self.fetch(script, deadline_seconds=0.4)

    def test_of_a_day_that_is_not_over_is_for_later(self):
        body = json.dumps(error("STATEMENT_NOT_READY")).encode()
        with pytest.raises(NotSent) as caught:
            self.fetch(lambda peer: peer.answer(body, status=404))
        assert caught.value.reason == "STATEMENT_NOT_READY"

    def test_that_is_a_page_is_refused_before_its_first_byte_is_given(self):
        with pytest.raises(OutcomeUnknown, match="CONTENT_TYPE"):
            self.fetch(lambda peer: peer.answer(b"<html></html>", headers="content-type: text/html\r\n"))

    def test_that_is_left_half_read_lets_its_connection_go(self):
        with HostileServer(lambda peer: peer.answer(STATEMENT, headers=XML_HEAD)) as server:
            gateway = client(server)
            chunks = gateway.fetch_statement(date(2026, 11, 23))
            next(chunks)
            chunks.close()  # type: ignore[attr-defined]
            assert b"".join(gateway.fetch_statement(date(2026, 11, 23))) == STATEMENT
            gateway.close()
        assert server.connections == 2
