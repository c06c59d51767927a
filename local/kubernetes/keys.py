"""Who may speak to whom: a certificate authority of this cluster, tokens, and kubeconfigs. All of it ends with the cluster."""

from __future__ import annotations

import ipaddress
import json
import secrets
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from local.kubernetes.addresses import ADDRESS, API, API_SERVICE, NODE

_DAYS = 365
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


class Keys:
    """Certificates, tokens and kubeconfigs below a folder.

    Args:
        folder: gets `pki/`, `kubeconfig` (may do everything) and `kubelet.kubeconfig`.
    """

    def __init__(self, folder: Path) -> None:
        self.pki = folder / "pki"
        self.kubeconfig = folder / "kubeconfig"
        self.kubelet_kubeconfig = folder / "kubelet.kubeconfig"
        self.tokens = self.pki / "tokens.csv"

    def certificate(self, name: str) -> Path:
        return self.pki / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.pki / f"{name}.key"

    def make(self) -> None:
        """Make all of them, unless they are there."""
        if self.kubeconfig.exists():
            return
        self.pki.mkdir(parents=True, exist_ok=True)
        authority = _new_key()
        ca = _signed("settlement-test-ca", (), authority.public_key(), authority, None)
        self._write("ca", authority, ca)
        for name, common, group in (
            ("apiserver", "kube-apiserver", ""),
            ("kubelet", NODE, ""),
            ("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
        ):
            key = _new_key()
            self._write(name, key, _signed(common, (group,) if group else (), key.public_key(), authority, ca))
        accounts = _new_key()
        _put(self.key("accounts"), _pem(accounts))
        _put(self.pki / "accounts.pub", _public_pem(accounts))
        self._give_tokens()

    def _give_tokens(self) -> None:
        admin, node = secrets.token_hex(16), secrets.token_hex(16)
        _put(
            self.tokens,
            f'{admin},admin,admin,"system:masters"\n{node},system:node:{NODE},{NODE},"system:nodes"\n'.encode(),
        )
        _put(self.kubelet_kubeconfig, self._config(node))
        _put(self.kubeconfig, self._config(admin))  # the last one: it says that all are there

    def _write(self, name: str, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        _put(self.key(name), _pem(key))
        _put(self.certificate(name), certificate.public_bytes(serialization.Encoding.PEM))

    def _config(self, token: str) -> bytes:
        """A kubeconfig; JSON is YAML."""
        authority = b64encode(self.certificate("ca").read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "settlement", "cluster": {"server": API, "certificate-authority-data": authority}}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "settlement", "context": {"cluster": "settlement", "user": "user"}}],
            "current-context": "settlement",
        }
        return json.dumps(config, indent=2).encode()


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _signed(
    common: str, groups: tuple[str, ...], key: rsa.RSAPublicKey, authority: rsa.RSAPrivateKey, issuer: x509.Certificate | None
) -> x509.Certificate:
    """A certificate for the addresses of this cluster; without an issuer that of the authority itself."""
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        addresses = [x509.IPAddress(ipaddress.ip_address(said)) for said in ("127.0.0.1", ADDRESS, API_SERVICE)]
        names = [x509.DNSName(name) for name in (*_NAMES, NODE)]
        builder = builder.add_extension(x509.SubjectAlternativeName([*addresses, *names]), critical=False)
    return builder.sign(authority, hashes.SHA256())


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def _put(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
