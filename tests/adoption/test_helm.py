"""The chart: linted and rendered by helm itself, decoded strictly by the Kubernetes API's own types, and read here."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from sigill.cli import app
from sigill.devtools.authority import DevAuthority
from sigill.runtime.settings import Settings, load_settings
from sigill.runtime.worker_specs import ORDER_WORKERS
from sigill_contracts.topics import TOPICS, group_of
from tests.kit.waiting import wait_for_the_database

CHART = Path(__file__).parents[2] / "infra" / "helm" / "sigill"
_BIN = Path(sys.executable).parent
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
runner = CliRunner()
ALL = (*ORDER_WORKERS, "ops")
VALUES: dict[str, Any] = {
    "image": {"repository": "sigill", "digest": "sha256:" + "0" * 64},
    "config": {"environment": "production", "audience": "sigill/production"},
    "database": {"host": "db.example"},
    "kafka": {"bootstrap": "one.example:9093,two.example:9093"},
    "networkPolicy": {
        "database": {"to": [{"ipBlock": {"cidr": "10.1.0.0/24"}}], "ports": [5432]},
        "kafka": {"to": [{"ipBlock": {"cidr": "10.2.0.0/24"}}], "ports": [9093]},
        "https": {"to": [{"ipBlock": {"cidr": "10.3.0.0/24"}}], "ports": [443]},
    },
    "keda": {"enabled": True, "authenticationRef": "kafka"},
    "monitoring": {
        "podMonitor": True,
        "prometheusRule": True,
        "docsUrl": "https://docs.example",
        "labels": {"release": "prometheus"},
    },
}
KEDA_NAMES = {
    "bootstrapServers", "consumerGroup", "topic", "lagThreshold", "activationLagThreshold", "offsetResetPolicy",
    "allowIdleConsumers", "scaleToZeroOnInvalidOffset", "excludePersistentLag", "limitToPartitionsWithLag",
    "ensureEvenDistributionOfPartitions", "partitionLimitation", "sasl", "tls", "fullMetadata",
}  # fmt: skip
"""What KEDA 2.21's `kafka` trigger knows."""


def tool(name: str) -> str:
    found = shutil.which(name) or (str(_BIN / name) if (_BIN / name).exists() else None)
    if found is None:
        if os.environ.get("SIGILL_REQUIRE_HELM"):
            pytest.fail(f"{name} is needed: infra/helm/tools.sh builds it")
        pytest.skip(f"{name} is not here: infra/helm/tools.sh builds it with Go")
    return found


def helm(*arguments: str, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("helm"), *arguments, "--kube-version", "1.31.0", "-f", "-"],
        input=yaml.safe_dump(values),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HELM_CACHE_HOME": "/tmp/helm-cache", "HELM_CONFIG_HOME": "/tmp/helm-config"},
    )


def rendered(**over: Any) -> str:
    answer = helm("template", "vard", str(CHART), values={**VALUES, **over})
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


@pytest.fixture(scope="module")
def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    return {(m["kind"], m["metadata"]["name"]): m for m in documents(rendered())}


def of_kind(manifests: dict[tuple[str, str], dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {name.removeprefix("vard-"): m for (k, name), m in manifests.items() if k == kind}


def pods(manifests: dict[tuple[str, str], dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, m["spec"]["template"]["spec"])
        for kind in ("Deployment", "Job")
        for name, m in of_kind(manifests, kind).items()
    ] + [
        (name, m["spec"]["jobTemplate"]["spec"]["template"]["spec"])
        for name, m in of_kind(manifests, "CronJob").items()
    ]


JOBS_BY_THE_CLOCK = {
    "verification": ("auditor", ["audit", "verify", "--key", "/run/secrets/sigill/audit_key.jwk"]),
    "retention": ("ops", ["retention", "run"]),
    "protected": ("ops", ["protected", "check", "--count"]),
}
"""Each with whose login and Secret it has, and what it runs."""


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def audit_key() -> str:
    made = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def test_helm_lints_it_strictly() -> None:
    answer = helm("lint", "--strict", str(CHART), values=VALUES)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_kubernetes_api_knows_every_field() -> None:
    decoder = tool("sigill-manifests")
    answer = subprocess.run([decoder], input=rendered(), capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    kinds = answer.stdout.split("\n")
    assert kinds.count("ok Deployment") == len(ALL)
    assert {line for line in kinds if line.startswith("other")} == {
        "other ScaledObject",
        "other PodMonitor",
        "other PrometheusRule",
    }
    broken = rendered().replace("readinessProbe:", "readynessProbe:")
    assert (
        subprocess.run([decoder], input=broken, capture_output=True, text=True, check=False).returncode == 1
    )


def test_the_operator_is_given_the_alerts_and_the_names_that_they_ask_for(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    monitors = [m for (kind, _), m in manifests.items() if kind == "PodMonitor"]
    rules = [m for (kind, _), m in manifests.items() if kind == "PrometheusRule"]
    for m in (*monitors, *rules):
        assert m["metadata"]["labels"]["release"] == "prometheus"
    [monitor], [rule] = monitors, rules
    assert monitor["spec"]["jobLabel"] == "app.kubernetes.io/name"
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["relabelings"][0]["targetLabel"] == "component"
    shipped = yaml.safe_load((CHART.parents[1] / "observability/rules/sigill.yml").read_text("utf-8"))
    text = json.dumps(shipped).replace("{{ $externalLabels.sigill_docs }}", "https://docs.example")
    assert rule["spec"] == json.loads(text)


def test_every_worker_is_deployed_by_itself(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    deployed = of_kind(manifests, "Deployment")
    assert set(deployed) == set(ALL)
    for worker, m in deployed.items():
        [container] = m["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["worker", worker]
        assert m["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert set(of_kind(manifests, "PodDisruptionBudget")) == set(ALL)


def test_probes_ask_the_loop_for_life_and_the_rest_for_readiness(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    for m in of_kind(manifests, "Deployment").values():
        [container] = m["spec"]["template"]["spec"]["containers"]
        paths = {p: container[f"{p}Probe"]["httpGet"]["path"] for p in ("liveness", "readiness", "startup")}
        assert paths == {"liveness": "/livez", "readiness": "/readyz", "startup": "/livez"}
        grace = m["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert grace > Settings().stop_timeout


def test_no_pod_may_do_more_than_it_needs(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    for name, pod in pods(manifests):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]["memory"]
            assert container["image"] == "sigill@sha256:" + "0" * 64


def test_every_variable_is_a_setting_and_none_is_a_secret(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    known = {f"SIGILL_{name.upper()}" for name in Settings.model_fields} | {"SIGILL_SECRETS_DIR"}
    for _, pod in pods(manifests):
        for variable in pod["containers"][0]["env"]:
            assert variable["name"] in known
            assert not variable["name"].endswith(("_PASSWORD", "_SECRET", "_KEYS"))
            assert "secretKeyRef" not in str(variable)


def test_each_worker_logs_in_as_itself(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    for name, pod in pods(manifests):
        env = {v["name"]: v.get("value") for v in pod["containers"][0]["env"]}
        user = {"migrate": "migrator", "topics": "intake"}.get(name, JOBS_BY_THE_CLOCK.get(name, (name,))[0])
        assert env["SIGILL_DATABASE_URL"] == f"postgresql://{user}@db.example:5432/sigill"
        assert env["SIGILL_DATABASE_TLS"] == "verify-full"


def test_scaling_follows_the_lag_of_the_groups_and_topics_that_there_are(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    topics = {spec.name: spec for spec in TOPICS}
    scaled = of_kind(manifests, "ScaledObject")
    assert set(scaled) == {"intake", "register", "directory"}
    for worker, m in scaled.items():
        [trigger] = m["spec"]["triggers"]
        said = trigger["metadata"]
        assert trigger["type"] == "kafka"
        assert set(said) <= KEDA_NAMES
        assert all(isinstance(value, str) for value in said.values())
        assert said["consumerGroup"] == group_of(worker)
        assert worker in topics[said["topic"]].read_by
        assert m["spec"]["maxReplicaCount"] <= topics[said["topic"]].partitions
        assert m["spec"]["minReplicaCount"] >= 1
        assert (said["offsetResetPolicy"], said["excludePersistentLag"]) == ("earliest", "true")
        assert "replicas" not in of_kind(manifests, "Deployment")[worker]["spec"]


def test_without_keda_the_replicas_hold_and_no_foreign_kind_is_asked_for() -> None:
    plain = documents(
        rendered(keda={"enabled": False}, monitoring={"podMonitor": False, "prometheusRule": False})
    )
    assert {m["apiVersion"].split("/")[0] for m in plain} <= {
        "v1",
        "apps",
        "batch",
        "policy",
        "networking.k8s.io",
    }
    assert all(m["spec"]["replicas"] >= 1 for m in plain if m["kind"] == "Deployment")


def test_the_schema_is_ahead_of_the_code(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    jobs = of_kind(manifests, "Job")
    assert jobs["migrate"]["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]
    assert jobs["topics"]["spec"]["template"]["spec"]["containers"][0]["args"] == ["topics", "apply"]
    for job in jobs.values():
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_nothing_comes_in_but_scraping_and_the_consoles_clients(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    assert policies["workers"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    incoming = [rule for p in policies.values() for rule in p["spec"].get("ingress", [])]
    assert sorted(port["port"] for rule in incoming for port in rule["ports"]) == [8080, 8081, 8082]
    assert all(rule["from"] for rule in incoming)
    outgoing = [rule for p in policies.values() for rule in p["spec"].get("egress", [])]
    assert all(rule["ports"] and rule["to"] for rule in outgoing), "nothing goes out to anywhere"
    selector = policies["https"]["spec"]["podSelector"]["matchExpressions"][0]["values"]
    assert selector == ["intake", "ops"]


def test_each_pod_has_a_secret_of_its_own(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    mounted = {
        name: volume["secret"]["secretName"]
        for name, pod in pods(manifests)
        for volume in pod["volumes"]
        if "secret" in volume
    }
    by_the_clock = {name: f"sigill-{of}" for name, (of, _) in JOBS_BY_THE_CLOCK.items()}
    assert mounted == {name: f"sigill-{name}" for name in (*ALL, "migrate", "topics")} | by_the_clock


def test_the_night_verifies_ends_what_may_end_and_asks_for_the_protected(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    jobs = of_kind(manifests, "CronJob")
    assert set(jobs) == set(JOBS_BY_THE_CLOCK)
    for name, job in jobs.items():
        [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert container["args"] == JOBS_BY_THE_CLOCK[name][1]
        command = container["args"][: -2 if "--key" in container["args"] else None]
        assert runner.invoke(app, [*command, "--help"]).exit_code == 0, "the program has no such command"
        assert (job["spec"]["concurrencyPolicy"], job["spec"]["timeZone"]) == ("Forbid", "Europe/Stockholm")
    at_night = {"enabled": True, "schedule": "0 3 * * *", "archiveClaim": "packages"}
    kept = documents(rendered(periodic={"retention": at_night}))
    [pod] = [
        one
        for name, one in pods({(m["kind"], m["metadata"]["name"]): m for m in kept})
        if name == "retention"
    ]
    [container] = pod["containers"]
    [place] = [one["value"] for one in container["env"] if one["name"] == "SIGILL_ARCHIVE_FOLDER"]
    assert {"name": "archive", "mountPath": place} in container["volumeMounts"]
    assert {"name": "archive", "persistentVolumeClaim": {"claimName": "packages"}} in pod["volumes"]
    off = {name: {"enabled": False, "schedule": "0 0 * * *"} for name in JOBS_BY_THE_CLOCK}
    assert not [m for m in documents(rendered(periodic=off)) if m["kind"] == "CronJob"]


def test_the_console_has_an_address_only_with_a_certificate_for_it() -> None:
    assert not [m for m in documents(rendered()) if m["kind"] == "Ingress"]
    whole = {"enabled": True, "host": "sigill.example", "tlsSecret": "tls"}
    (found,) = [m for m in documents(rendered(ingress=whole)) if m["kind"] == "Ingress"]
    assert found["spec"]["tls"] == [{"hosts": ["sigill.example"], "secretName": "tls"}]
    (path,) = found["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"] == {"name": "vard-ops", "port": {"name": "http"}}
    for missing in ("host", "tlsSecret"):
        refused = helm("template", "vard", str(CHART), values={**VALUES, "ingress": {**whole, missing: ""}})
        assert f"ingress.{missing}: needed" in refused.stderr


@pytest.fixture(scope="module")
def example() -> dict[str, dict[str, Any]]:
    """The containers of the example for production, by the component that each is."""
    values = yaml.safe_load((CHART / "ci" / "production-values.yaml").read_text("utf-8"))
    answer = helm("template", "vard", str(CHART), values=values)
    assert answer.returncode == 0, answer.stderr
    made = {(m["kind"], m["metadata"]["name"]): m for m in documents(answer.stdout)}
    return {name: pod["containers"][0] for name, pod in pods(made)}


def set_environment(
    container: dict[str, Any], held: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set what a pod would have: its variables, the files of its Secret and the anchors."""
    secrets, anchors = folder / "secrets", folder / "anchors"
    root = pem(DevAuthority.create(AT).anchors[0])
    for path, files in (
        (secrets, {**held, "database-ca.pem": root, "kafka-ca.pem": root}),
        (anchors, {"root.pem": root}),
    ):
        path.mkdir()
        for name, content in files.items():
            (path / name).write_text(content)
    for name in [n for n in os.environ if n.startswith("SIGILL_")]:
        monkeypatch.delenv(name)
    for variable in container["env"]:
        value = variable.get("value", "pod")
        value = value.replace("/run/secrets/sigill", str(secrets)).replace("/trust/anchors", str(anchors))
        monkeypatch.setenv(variable["name"], value)


def held_by(component: str) -> dict[str, str]:
    """What values.yaml says that a component's Secret holds."""
    of = JOBS_BY_THE_CLOCK.get(component, (component,))[0]
    held = {}
    if of != "topics":
        held["sigill_database_password"] = "d"
    if of not in ("migrate", "transitions"):
        held["sigill_kafka_sasl_password"] = "k"
    if of in ("intake", "register", "ops"):
        held["sigill_patient_keys"] = json.dumps({"v1": "A" * 43 + "="})
    if of == "ops":
        held["sigill_session_secret"] = "s" * 40
    if of == "relay":
        held["audit_key.pem"] = audit_key()
    return held


@pytest.mark.parametrize("worker", ALL)
async def test_each_worker_starts_with_the_production_examples_environment(
    worker: str, example: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As far as without its servers: every setting and file is read, and what production refuses is not there. It did
    not: transitions has no user at the broker, and was told to log in there.
    """
    set_environment(example[worker], held_by(worker), tmp_path, monkeypatch)
    # the example's host is one that nobody knows, so that the database is away
    settings = load_settings(health_port=None, console_port=0, api_port=0, backoff_max=0.2)
    assert settings.environment == "production"
    await wait_for_the_database(settings, example[worker]["args"][1:])


@pytest.mark.parametrize("job", ["migrate", "topics", *JOBS_BY_THE_CLOCK])
def test_each_jobs_environment_is_one_that_production_takes(
    job: str, example: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(example[job], held_by(job), tmp_path, monkeypatch)
    assert load_settings().environment == "production"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda v: v["database"].pop("host"), "host"),
        (lambda v: v["config"].pop("audience"), "audience"),
        (lambda v: v["config"].update(database_password="x"), "database_password"),
        (lambda v: v["config"].update(patient_keys="x"), "patient_keys"),
        (lambda v: v["image"].update(tag="latest"), "tag"),
        (lambda v: v.update(wrokers={}), "wrokers"),
        (lambda v: v["kafka"].update(bootstrap="nowhere"), "bootstrap"),
        (lambda v: v.update(workers={"intake": {"replicas": 0}}), "replicas"),
        (lambda v: v.update(terminationGracePeriodSeconds=10), "terminationGracePeriodSeconds"),
        (lambda v: v["networkPolicy"].pop("database"), "networkPolicy"),
    ],
)
def test_wrong_values_are_refused_before_anything_is_rendered(
    broken: Callable[[dict[str, Any]], Any], why: str
) -> None:
    values = {key: dict(value) for key, value in VALUES.items()}
    broken(values)
    answer = helm("template", "vard", str(CHART), values=values)
    assert answer.returncode != 0
    assert why in answer.stderr


@pytest.mark.parametrize("values", sorted((CHART / "ci").glob("*-values.yaml")), ids=lambda path: path.stem)
def test_helm_lints_the_chart_with_the_values_that_come_with_it(values: Path) -> None:
    answer = helm("lint", str(CHART), "--strict", values=yaml.safe_load(values.read_text()))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("values", sorted((CHART / "ci").glob("*-values.yaml")), ids=lambda path: path.stem)
def test_kube_score_finds_nothing_but_what_the_chart_gives_a_reason_for(values: Path) -> None:
    answer = helm("template", "vard", str(CHART), values=yaml.safe_load(values.read_text()))
    assert answer.returncode == 0, answer.stderr
    # values.yaml says why there is no limit of the processor; the templates, why an image is not always pulled
    score = subprocess.run(
        [tool("kube-score"), "score", "-", "--ignore-container-cpu-limit", "--output-format", "ci"],
        input=answer.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in score.stdout.splitlines() if line.startswith(("[WARNING]", "[CRITICAL]"))]
    assert found == []
    assert score.returncode == 0, score.stderr
    assert "[OK] vard-intake" in score.stdout


def test_pods_of_one_worker_keep_apart_unless_the_values_say_otherwise() -> None:
    def affinity(**over: Any) -> list[Any]:
        made = [m for m in documents(rendered(**over)) if m["kind"] == "Deployment"]
        return [m["spec"]["template"]["spec"]["affinity"] for m in made]

    for own in affinity():
        (apart,) = own["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        assert apart["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    other = {"nodeAffinity": {}}
    assert affinity(affinity=other) == [other] * len(ALL)


def test_the_dashboard_comes_as_grafanas_sidecar_looks_for_it() -> None:
    over = {"monitoring": {**VALUES["monitoring"], "dashboards": True}}
    (found,) = [m for m in documents(rendered(**over)) if m["kind"] == "ConfigMap"]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["labels"]["release"] == "prometheus"
    shipped = CHART.parents[1] / "observability" / "grafana" / "dashboards" / "sigill.json"
    assert json.loads(found["data"]["sigill.json"]) == json.loads(shipped.read_text())
    assert not [m for m in documents(rendered()) if m["kind"] == "ConfigMap"]
