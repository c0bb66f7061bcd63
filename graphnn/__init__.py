"""Neural networks as text files: declared, checked, drawn, run, differentiated and trained."""

from graphnn import _beginning, errors
from graphnn.convert import convert
from graphnn.diagnosis import diagnose, diagnose_text
from graphnn.diff import Difference, diff
from graphnn.errors import Diagnostic, GraphnnError
from graphnn.evaluation import Evaluation, evaluate
from graphnn.examples import ExampleResult, run_examples
from graphnn.explanations import explain
from graphnn.gradients.backprop import backprop
from graphnn.gradients.check import GradientReport, check_gradients
from graphnn.gradients.estimate import GradientEstimate
from graphnn.gradients.numerical import numerical_gradient
from graphnn.gradients.study import StepStudy, step_study
from graphnn.network import Network, load, loads
from graphnn.ops._op import Op
from graphnn.prediction import Outputs, Prediction, Predictor, predict
from graphnn.reports import render
from graphnn.runs import Run, train
from graphnn.schema import schema
from graphnn.searches import Search, search
from graphnn.spec.formatter import format_file, format_text

__version__ = "0.1.0"
_beginning.done()

__all__ = [
    "Diagnostic",
    "Difference",
    "Evaluation",
    "ExampleResult",
    "GradientEstimate",
    "GradientReport",
    "GraphnnError",
    "Network",
    "Op",
    "Outputs",
    "Prediction",
    "Predictor",
    "Run",
    "Search",
    "StepStudy",
    "backprop",
    "check_gradients",
    "convert",
    "diagnose",
    "diagnose_text",
    "diff",
    "errors",
    "evaluate",
    "explain",
    "format_file",
    "format_text",
    "load",
    "loads",
    "numerical_gradient",
    "predict",
    "render",
    "run_examples",
    "schema",
    "search",
    "step_study",
    "train",
]
