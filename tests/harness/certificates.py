"""Certificates of an authority that only a test believes."""

import base64
import datetime
import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def general_name(name: str) -> x509.GeneralName:
    """A host, by name or by address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as files have it."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@dataclass
class Pair:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        """What has the server use them."""
        return {"HOGFLARE_TLS_CERT": str(self.certificate), "HOGFLARE_TLS_KEY": str(self.key)}

    def replace_by(self, other: "Pair") -> None:
        """Puts another pair in their place, as whoever renews certificates does: one after the other."""
        for mine, new in ((self.certificate, other.certificate), (self.key, other.key)):
            beside = mine.with_suffix(".new")
            beside.write_bytes(new.read_bytes())
            beside.replace(mine)

    def fingerprint(self) -> str:
        """By which Chromium is told to believe it."""
        key = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_key()
        shape = serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(hashlib.sha256(key.public_bytes(serialization.Encoding.DER, shape)).digest()).decode()


class CertificateAuthority:
    """One, with a certificate of its own in `root`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's authority")])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder(self._name, self._name, self._key.public_key(), x509.random_serial_number(), now - DAY, now + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        )
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.root = folder / "root.pem"
        self.root.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def sign(
        self, public_key, names: list[str], begins: datetime.timedelta = -DAY, ends: datetime.timedelta = 10 * DAY
    ) -> bytes:
        """A certificate and this authority's, in PEM; from when to when it is good, from now on."""
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = (
            x509.CertificateBuilder(self._name, subject, public_key, x509.random_serial_number(), now + begins, now + ends)
            .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(issuer_key, critical=False)
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        encoding = serialization.Encoding.PEM
        return made.sign(self._key, hashes.SHA256()).public_bytes(encoding) + self._certificate.public_bytes(encoding)

    def issue(self, *names: str, ends: datetime.timedelta = 10 * DAY) -> Pair:
        """A certificate for these names, and its key, in files of their own."""
        key = ec.generate_private_key(ec.SECP256R1())
        stem = f"{names[0]}-{x509.random_serial_number():x}"
        pair = Pair(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        pair.certificate.write_bytes(self.sign(key.public_key(), list(names), ends=ends))
        pair.key.write_bytes(pem_of(key))
        return pair

    def believing(self) -> ssl.SSLContext:
        """What a client that believes this authority alone encrypts with."""
        return ssl.create_default_context(cafile=str(self.root))
