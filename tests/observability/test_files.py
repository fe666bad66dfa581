"""Alerts and dashboard name only what exists, say what to do, and are loaded by the deployment for one machine."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sigill.devtools.reference_pages import metrics_page
from sigill.runtime.metrics import ALL, Metric
from sigill.runtime.worker_specs import EVERY_WORKER

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "observability"
RULES = FOLDER / "rules" / "sigill.yml"
DASHBOARD = FOLDER / "grafana" / "dashboards" / "sigill.json"
PROMTOOL = shutil.which("promtool")
EXPECTED = {
    "SigillConsumerLagOld", "SigillOutboxOld", "SigillDeadLetters", "SigillDeadLetterLimitReached", "SigillRecordsFail",
    "SigillTimersOverdue", "SigillProtectedNotShut", "SigillWorklistOld", "SigillSignedFormOverdue", "SigillLoopStuck",
    "SigillCrlStale", "SigillAuditChainBroken", "SigillDatabaseDown", "SigillBrokerDown",
    "SigillRestarting",
    "SigillSourceSilent",
    "SigillRulebookRefused",
    "SigillDatabaseWentBack",
    "SigillPartitionSetAside",
    "SigillLogReplaced",
    "SigillClockSkew",
    "SigillAccessLogMisplaced",
    "SigillWorkerGone", "SigillProcessDown", "SigillStatementsLate",
}  # fmt: skip
SUFFIXES = ("_bucket", "_count", "_sum")
PROMETHEUS_OWN = {"instance", "job", "component", "le", "alertname", "alertstate"}


def alerts() -> list[dict[str, Any]]:
    loaded = yaml.safe_load(RULES.read_text("utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> list[tuple[str, str]]:
    """(where, expression) of every alert and panel."""
    asked = [(rule["alert"], rule["expr"]) for rule in alerts()]
    return asked + [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


def metric(name: str) -> Metric | None:
    known = {one.name: one for one in ALL}
    for suffix in SUFFIXES:
        base = name.removesuffix(suffix)
        if base != name and base in known and known[base].kind == "histogram":
            return known[base]
    found = known.get(name)
    return None if found is None or found.kind == "histogram" else found


def named(expression: str) -> list[Metric]:
    """The metrics that an expression names. Fails for a name that nobody tells."""
    found = []
    for name in re.findall(r"\bsigill_\w+", expression):
        known = metric(name)
        assert known is not None, f"{name} is told by nobody"
        found.append(known)
    return found


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_names_only_metrics_and_labels_that_exist(where: str, expression: str) -> None:
    metrics = named(expression)
    assert metrics or re.search(r"\bup\{", expression), where
    labels = {label for one in metrics for label in one.labels} | PROMETHEUS_OWN
    asked = re.findall(r"\bby \(([^)]*)\)", expression) + re.findall(r"(\w+)\s*=~?\s*\"", expression)
    wanted = {label.strip() for part in asked for label in part.split(",")}
    assert wanted <= labels, f"{where}: {wanted - labels}"


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_counters_are_asked_for_their_growth_and_gauges_for_their_value(where: str, expression: str) -> None:
    for one in named(expression):
        if one.kind == "counter":
            assert re.search(rf"\b(rate|increase|max_over_time)\({one.name}\[", expression), where
        if one.kind == "gauge":
            assert not re.search(rf"\b(rate|increase)\({one.name}", expression), where


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {one for panel in panels() for target in panel["targets"] for one in named(target["expr"])}
    assert {one.name for one in ALL} - {one.name for one in shown} == set()


def test_the_alerts_are_the_agreed_ones_each_with_consequence_and_action() -> None:
    assert {rule["alert"] for rule in alerts()} == EXPECTED
    for rule in alerts():
        told = rule["annotations"]
        assert set(told) == {"summary", "consequence", "action", "runbook", "runbook_url"}
        for sentence in ("summary", "consequence", "action"):
            assert told[sentence].endswith("."), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_alert_has_its_page_in_the_runbook() -> None:
    for rule in alerts():
        page = ROOT / rule["annotations"]["runbook"]
        kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", rule["alert"].removeprefix("Sigill")).lower()
        assert page.name == f"{kebab}.md"
        assert (
            rule["annotations"]["runbook_url"]
            == f"{{{{ $externalLabels.sigill_docs }}}}/runbook/{kebab}.html"
        )
        assert page.read_text("utf-8").startswith(f"# {rule['alert']}\n")


def test_the_swedish_page_has_every_alert_once_and_links_to_its_own_page() -> None:
    rows = re.findall(r"^\| \[(Sigill\w+)\]\((\S+)\) \|", (ROOT / "docs/larm.md").read_text("utf-8"), re.M)
    assert sorted(rows) == sorted(
        (rule["alert"], rule["annotations"]["runbook"].removeprefix("docs/")) for rule in alerts()
    )


def test_a_summary_uses_only_labels_that_its_expression_leaves() -> None:
    for rule in alerts():
        used = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        grouped = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
        left = {label.strip() for part in grouped for label in part.split(",")}
        if not grouped:
            left = {label for one in named(rule["expr"]) for label in one.labels} | {"instance", "component"}
        assert used <= left, rule["alert"]


def test_the_deployment_loads_them() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    services = compose["services"]
    mounted = {
        part.split(":")[0]
        for name in ("prometheus", "grafana")
        for part in services[name]["volumes"]
        if part.startswith("./")
    }
    for path in mounted:
        assert (ROOT / path).exists(), path
    assert f"./{RULES.parent.relative_to(ROOT)}" in mounted
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    scraped = config["scrape_configs"][0]["static_configs"]
    assert all(one["targets"] == [f"{one['labels']['component']}:8081"] for one in scraped)
    targets = {target for one in scraped for target in one["targets"]}
    workers = {name for name, service in services.items() if service.get("command", [""])[0] == "worker"}
    assert targets == {f"{name}:8081" for name in workers}
    provider = yaml.safe_load((FOLDER / "grafana/provisioning/dashboards/sigill.yml").read_text("utf-8"))
    folder = provider["providers"][0]["options"]["path"]
    assert f"./{DASHBOARD.parent.relative_to(ROOT)}:{folder}:ro" in services["grafana"]["volumes"]
    source = yaml.safe_load((FOLDER / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8"))
    uid = source["datasources"][0]["uid"]
    assert {panel["datasource"]["uid"] for panel in panels()} == {uid}


def test_an_alert_tells_of_every_worker_that_is_gone() -> None:
    [gone] = [rule["expr"] for rule in alerts() if rule["alert"] == "SigillWorkerGone"]
    assert set(re.findall(r'absent\(sigill_build_info\{worker="(\w+)"\}\)', gone)) == set(EVERY_WORKER)


def test_the_chart_brings_the_same_alerts() -> None:
    assert (ROOT / "infra/helm/sigill/files/alerts.yml").read_text("utf-8") == RULES.read_text("utf-8")


def test_the_page_of_metrics_is_what_the_table_says() -> None:
    assert (FOLDER / "METRICS.md").read_text("utf-8") == metrics_page()


def test_panels_do_not_lie_on_each_other_and_each_has_a_unit() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool comes with Debian's package prometheus")
def test_promtool_reads_the_files_and_every_alert_fires_when_it_should() -> None:
    assert PROMTOOL is not None
    config = FOLDER / "prometheus.yml"
    for command in (
        ["check", "config", "--syntax-only", str(config)],
        ["check", "rules", str(RULES)],
        ["test", "rules", str(Path(__file__).with_name("alerts.yaml"))],
    ):
        done = subprocess.run([PROMTOOL, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
