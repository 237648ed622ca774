"""Test sets, opened once for a run, and a model's scores on them."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from fastreid.config import CfgNode
from fastreid.data.datasets.bases import ImageDataset
from fastreid.evaluation import inference_on_dataset, print_csv_format
from fastreid.utils import comm
from torch import nn

from ..data import build_test_loader, load_dataset
from ..device import resolve_device
from ..errors import DataNotFoundError, UserError
from ..evaluation import RankingEvaluator, check_num_images, check_test_settings
from ..log import logger
from ..modeling.build import build_model
from ..precision import InPrecision
from .checkpoint import AtomicCheckpointer
from .summary import Scores, format_summary, summarize, write_summary


@dataclass(frozen=True, kw_only=True)
class OpenTestSets:
    """The test sets of a run.

    Attributes:
        available: name -> data set, in the order of DATASETS.TESTS.
        missing: names of the sets whose files do not exist.
    """

    available: dict[str, ImageDataset]
    missing: list[str]


def open_test_sets(cfg: CfgNode) -> OpenTestSets:
    """Open the sets of DATASETS.TESTS before any work is done; warn about missing ones.

    Raises:
        UserError: settings under TEST that no ranking, or not that of these sets, can use.
    """
    check_test_settings(cfg.TEST)
    available, missing = {}, []
    for name in cfg.DATASETS.TESTS:
        try:
            dataset = load_dataset(cfg, name)
        except DataNotFoundError as error:
            logger.warning("not available, left out of DATASETS.TESTS: %s", error)
            missing.append(name)
            continue
        check_num_images(cfg.TEST, len(dataset.query) + len(dataset.gallery))
        available[name] = dataset
    return OpenTestSets(available=available, missing=missing)


def score(
    cfg: CfgNode, model: nn.Module, test_sets: Mapping[str, ImageDataset]
) -> OrderedDict[str, Scores]:
    """Evaluate a model on opened test sets, its features computed in TEST.PRECISION.

    Returns:
        Test set -> scores; the scores are empty in all processes but the main one.
    """
    results = OrderedDict()
    model = InPrecision(model, cfg.TEST.PRECISION)
    for name, dataset in test_sets.items():
        loader, num_query = build_test_loader(cfg, name, dataset)
        evaluator = RankingEvaluator(cfg, num_query)
        scores = inference_on_dataset(model, loader, evaluator, flip_test=cfg.TEST.FLIP.ENABLED)
        if comm.is_main_process():
            print_csv_format(OrderedDict(scores, dataset=name))
        results[name] = scores
    return results


def open_evaluation(cfg: CfgNode) -> tuple[CfgNode, nn.Module, OpenTestSets]:
    """Return the config with its device, the model of MODEL.WEIGHTS, and the test sets.

    Raises:
        UserError: no weights are named, they cannot be read, or no test set is available.
    """
    if not cfg.MODEL.WEIGHTS:
        raise UserError("MODEL.WEIGHTS names no checkpoint to evaluate; add: MODEL.WEIGHTS FILE")
    test_sets = open_test_sets(cfg)
    if not test_sets.available:
        names = ", ".join(test_sets.missing) or "none"
        raise DataNotFoundError(
            f"no test set is available (DATASETS.TESTS: {names}); set "
            "FASTREID_DATASETS to the folder that holds one"
        )
    cfg = resolve_device(cfg).clone()
    cfg.defrost()
    cfg.MODEL.BACKBONE.PRETRAIN = False  # the checkpoint brings every weight
    cfg.MODEL.HEADS.NUM_CLASSES = 0  # which a saved config states; scoring needs no classifier
    cfg.freeze()
    model = build_model(cfg)
    AtomicCheckpointer(model).load(cfg.MODEL.WEIGHTS)
    return cfg, model, test_sets


def evaluate(cfg: CfgNode) -> dict[str, Scores]:
    """Score the weights of MODEL.WEIGHTS on each available test set, and print the table.

    Raises:
        UserError: as ``open_evaluation``.
    """
    cfg, model, test_sets = open_evaluation(cfg)
    results = dict(score(cfg, model, test_sets.available))
    if comm.is_main_process():
        summary = summarize(
            cfg, {"this model": results}, test_sets.available, not_available=test_sets.missing
        )
        logger.info("%s:\n\n%s\n", cfg.MODEL.WEIGHTS, format_summary(summary))
    return results


def report_training(
    cfg: CfgNode, results: Mapping[str, Mapping[str, Scores]], sets: OpenTestSets, seconds: float
) -> None:
    """Log the table of a run and write its summary.json.

    Args:
        cfg: the run's.
        results: phase -> test set -> scores of the evaluator.
        sets: the test sets of the run.
        seconds: of training and evaluation.
    """
    after = {f"after {name}": scores for name, scores in results.items()}
    summary = summarize(cfg, after, sets.available, not_available=sets.missing)
    write_summary(cfg.OUTPUT_DIR, summary, seconds)
    logger.info(
        "%.0f s of training and evaluation, %s/summary.json:\n\n%s\n",
        seconds,
        cfg.OUTPUT_DIR,
        format_summary(summary),
    )
