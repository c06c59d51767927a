"""Where steps run that can run in a pod: the settings say, and nothing else does; tasks and DAGs keep their shape."""

from __future__ import annotations

from airflow.sdk import BaseOperator

from settlement.settings_pods import in_pods
from settlement_airflow.operators.month_preview import MonthPreviewOperator
from settlement_airflow.operators.partner_report import PartnerReportOperator
from settlement_airflow.operators.stage import AuditOperator

# Kubernetes' client is large: it is loaded only where there are pods.


def audit_task(stage: str) -> BaseOperator:
    """The audit of a stage: a process of the worker, or a pod. The verdict is the same object."""
    if not in_pods():
        return AuditOperator(task_id="audit", stage=stage)
    from settlement_airflow.operators.audit_pod import AuditPodOperator

    return AuditPodOperator(task_id="audit", stage=stage)


def partner_report_task() -> BaseOperator:
    """A partner's report: a process of the worker, or a pod that is there only while somebody has asked."""
    if not in_pods():
        return PartnerReportOperator(task_id="report")
    from settlement_airflow.operators.partner_report_pod import PartnerReportPodOperator

    return PartnerReportPodOperator(task_id="report")


def month_preview_task() -> BaseOperator:
    """A preview of a month: a process of the worker, or a pod that is there only while somebody has asked."""
    if not in_pods():
        return MonthPreviewOperator(task_id="preview")
    from settlement_airflow.operators.month_preview_pod import MonthPreviewPodOperator

    return MonthPreviewPodOperator(task_id="preview")
