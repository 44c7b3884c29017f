"""Verdicts for rollout controllers: Flagger, Argo Rollouts, Kayenta and whoever can ask over HTTP."""

from harness.gate_server.board import Board
from harness.gate_server.evaluations import Evaluations, Job, Limits
from harness.gate_server.standing import Standing

__all__ = ["Board", "Evaluations", "Job", "Limits", "Standing"]
