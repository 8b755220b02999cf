"""The Helm chart: what helm makes of it, held against the schemas of Kubernetes."""

from pathlib import Path

import pytest
import yaml

from harness.packaging import DEPLOY, REPO, seconds_to_stop, settings_in, tool, workspace_version

CHART = DEPLOY / "helm" / "hogflare"
EVERYTHING = {
    "settings": {"POSTHOG_API_KEY": "phc_a", "HOGFLARE_TRUST_PROXY": "10.244.0.0/16", "HOGFLARE_MAX_CONNECTIONS": "1000000"},
    "secrets": {"HOGFLARE_READ_KEY": 'with "quotes" and: colons'},
    "existingSecret": "other",
    "configFile": "[[project]]\nname = 'Shop'\n",
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "host": "stats.shop.example",
        "tlsSecret": "certificate",
        "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"},
    },
    "persistence": {"size": "100Gi", "storageClass": "fast"},
    "serviceAccount": {"annotations": {"a": "b"}},
    "imagePullSecrets": [{"name": "registry"}],
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}


def values_file(folder: Path, values: dict) -> Path:
    """The values as a file."""
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def rendered(folder: Path, values: dict) -> list[dict]:
    """What helm would send to a cluster, which Kubernetes' own schemas take."""
    text = tool("helm", "template", "release", CHART, "--namespace", "stats", "--values", values_file(folder, values))
    (folder / "rendered.yaml").write_text(text)
    tool("kubernetes-validate", "--strict", folder / "rendered.yaml")
    return [found for found in yaml.safe_load_all(text) if found]


def one(found: list[dict], kind: str, name: str = "release-hogflare") -> dict:
    """The object of a kind with a name."""
    [wanted] = [made for made in found if made["kind"] == kind and made["metadata"]["name"] == name]
    return wanted


def pod(found: list[dict]) -> dict:
    """The specification of the pods."""
    return one(found, "StatefulSet")["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The chart with nothing given."""
    return rendered(tmp_path_factory.mktemp("plain"), {})


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The chart with everything given."""
    return rendered(tmp_path_factory.mktemp("full"), EVERYTHING)


def test_helm_has_nothing_to_say(tmp_path: Path) -> None:
    for values in ({}, EVERYTHING):
        assert "0 chart(s) failed" in tool("helm", "lint", "--strict", CHART, "--values", values_file(tmp_path, values))


def test_everything_is_in_the_same_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == workspace_version()


def test_it_names_settings_that_exist(settings: set[str], plain: list[dict], full: list[dict]) -> None:
    for found in (plain, full):
        assert one(found, "ConfigMap")["data"].keys() <= settings
    texts = [path.read_text() for path in CHART.rglob("*") if path.is_file()]
    named = settings_in("\n".join(texts))
    # What a cluster would set for a service of that name, were it not told to.
    assert named - {"HOGFLARE_PORT"} <= settings and len(named) > 5


def test_what_is_given_is_what_the_server_gets(full: list[dict]) -> None:
    data = one(full, "ConfigMap")["data"]
    assert EVERYTHING["settings"].items() <= data.items()
    assert data["HOGFLARE_PUBLIC_URL"] == "https://stats.shop.example" and data["HOGFLARE_DATA_DIR"] == "/data"
    assert one(full, "Secret")["stringData"] == EVERYTHING["secrets"]
    references = [source.get("configMapRef") or source["secretRef"] for source in pod(full)["containers"][0]["envFrom"]]
    assert [reference["name"] for reference in references] == ["release-hogflare", "release-hogflare", "other"]
    file = one(full, "ConfigMap", "release-hogflare-file")["data"]["hogflare.toml"]
    assert file == EVERYTHING["configFile"] and data["HOGFLARE_CONFIG"] == "/etc/hogflare/hogflare.toml"


def test_a_setting_beats_what_the_chart_makes_up(tmp_path: Path) -> None:
    given = {"settings": {"HOGFLARE_PUBLIC_URL": "https://other.example"}, "ingress": {"enabled": True}}
    assert one(rendered(tmp_path, given), "ConfigMap")["data"]["HOGFLARE_PUBLIC_URL"] == "https://other.example"


def test_a_new_setting_starts_the_pods_again(tmp_path: Path, plain: list[dict]) -> None:
    def annotations(found: list[dict]) -> dict:
        return one(found, "StatefulSet")["spec"]["template"]["metadata"]["annotations"]

    for changed in ({"settings": {"HOGFLARE_LOG": "warn"}}, {"secrets": {"HOGFLARE_READ_KEY": "a"}}, {"ingress": {"enabled": True}}):
        assert annotations(rendered(tmp_path, changed)) != annotations(plain)
    assert annotations(rendered(tmp_path, {"service": {"port": 81}})) == annotations(plain)


def test_only_the_data_and_tmp_can_be_written_to(plain: list[dict]) -> None:
    [container] = pod(plain)["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]} == {"data": "/data", "tmp": "/tmp"}
    [claim] = one(plain, "StatefulSet")["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data" and "storageClassName" not in claim["spec"]


def test_it_runs_as_the_user_of_the_image(plain: list[dict]) -> None:
    context = pod(plain)["securityContext"]
    image_user = f"USER {context['runAsUser']}:{context['runAsGroup']}\n"
    assert image_user in (DEPLOY / "docker" / "Dockerfile").read_text()
    assert context["runAsNonRoot"] and context["fsGroup"] == context["runAsGroup"]


def test_probes_ask_what_the_server_answers(plain: list[dict], hogflare) -> None:
    [container] = pod(plain)["containers"]
    probes = [container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert probes == ["/_liveness", "/_liveness", "/_readiness"]
    assert [hogflare.get(path).status for path in probes] == [200, 200, 200]


def test_there_is_time_to_stop(binary: Path, plain: list[dict], tmp_path: Path) -> None:
    assert pod(plain)["terminationGracePeriodSeconds"] > seconds_to_stop(binary)
    values = values_file(tmp_path, {"terminationGracePeriodSeconds": 30})
    tool("helm", "template", "release", CHART, "--values", values, expected=1)


@pytest.mark.parametrize(
    "values",
    [
        {"setting": {}},
        {"settings": {"LOG": "debug"}},
        {"settings": {"HOGFLARE_MAX_CONNECTIONS": 16384}},
        {"settings": {"HOGFLARE_DATA_DIR": "/elsewhere"}},
        {"persistence": {"size": "20"}},
        {"ingress": {"hosts": ["a"]}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_wrong_value_is_refused(values: dict, tmp_path: Path) -> None:
    tool("helm", "template", "release", CHART, "--values", values_file(tmp_path, values), expected=1)


def test_every_value_has_a_schema_and_stands_in_the_file() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())["properties"]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values.keys() == schema.keys() - {"global"}
    for name, value in values.items():
        if isinstance(value, dict) and "properties" in schema[name]:
            assert value.keys() == schema[name]["properties"].keys(), name


def test_the_docs_name_the_chart() -> None:
    assert str(CHART.relative_to(REPO)) in (REPO / "docs" / "install.md").read_text()
