"""The published reports behind Airflow's sign-in: what approvers and operators open on the embedded profile."""

from __future__ import annotations

from pathlib import Path

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import FileResponse

from settlement.errors import SettlementError
from settlement.settings import required

# The page brings its own style and script; it loads nothing from anywhere.
_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' data:",
}

app = FastAPI(title="Published settlement reports", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/published/{path:path}", dependencies=[Depends(requires_access_view(AccessView.WEBSITE))])
def published(path: str) -> FileResponse:
    """A file below the publish root; 404 for everything else."""
    try:
        root = Path(required("warehouse"), "published").resolve()
    except SettlementError as error:
        raise HTTPException(503, error.message) from None
    file = (root / path).resolve()
    hidden = any(part.startswith((".", "_")) for part in Path(path).parts)
    if hidden or not file.is_relative_to(root) or not file.is_file():
        raise HTTPException(404, f"nothing is published under {path}")
    return FileResponse(file, headers=_HEADERS)
