"""Certificates of an authority that only a test trusts."""
import ssl
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


class Authority:
    def __init__(self, directory):
        self.directory = directory
        self.key, self.certificate = directory / "authority.key", directory / "authority.pem"
        openssl("req", "-x509", *KEY, "-keyout", self.key, "-out", self.certificate, "-subj", "/CN=Authority", "-days", 2)

    def serving(self, name, days=2, own=True, also=()):
        """What a server under these names (or addresses) needs; days: may be over; own: by this authority, else by nobody but itself."""
        key, certificate, request = (self.directory / f"{name}.{kind}" for kind in ("key", "pem", "csr"))
        named = self.directory / f"{name}.names"
        named.write_text("subjectAltName=" + ",".join(f"{'IP' if n[0].isdigit() else 'DNS'}:{n}" for n in (name, *also)) + "\n")
        openssl("req", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signed = ["-CA", self.certificate, "-CAkey", self.key] if own else ["-signkey", key]
        openssl("x509", "-req", "-in", request, *signed, "-set_serial", 1, "-extfile", named, "-days", days, "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
