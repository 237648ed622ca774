"""The trainer: FastReID's ``DefaultTrainer`` with phases, on any device."""

import os
import time
from collections import OrderedDict

from fastreid.config import CfgNode
from fastreid.data.common import CommDataset
from fastreid.engine import DefaultTrainer, hooks
from fastreid.engine.train_loop import HookBase, TrainerBase
from fastreid.utils import comm
from fastreid.utils.events import EventStorage
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from typing_extensions import override

from ..config import amp_dtype
from ..data.loaders import DeviceLoader, build_train_loader
from ..data.sampling import derive_seeds, seed_everything
from ..device import resolve_device
from ..errors import UserError
from ..log import logger
from ..modeling.build import build_model
from ..modeling.interface import ReIDModel
from .average import WeightAverage
from .checkpoint import AtomicCheckpointer
from .compiling import compiled
from .hard_batches import follow_model
from .hooks import (
    CheckpointHook,
    EvaluationHook,
    FreezeHook,
    PhaseHook,
    ProgressHook,
    ScheduleHook,
    WriterHook,
)
from .optimizer import build_optimizer
from .phases import Phase, build_phases, describe_trainable
from .prototypes import start_prototypes
from .resume import check_same_run, same_test
from .step import TrainStep
from .summary import Scores
from .testing import open_test_sets, report_training, score


class DPPPTrainer(DefaultTrainer):
    """Trains any ``ReIDModel`` through its phases.

    Attributes:
        phases: the phases of the run, in order; ``phase`` is the present one.
        raw_model: the model; ``model`` is what a step calls: it, wrapped for several
            processes and compiled if that is asked for.
        average: of the weights that train, with SOLVER.EMA_DECAY.
        test_sets: those of DATASETS.TESTS, opened.
        results: phase name -> test set -> scores, as far as the run has come.
    """

    def __init__(self, cfg: CfgNode) -> None:
        # Not DefaultTrainer's: it builds an optimizer for the whole run, and DataLoaderX and
        # AMPTrainer, which need CUDA. What follows does the same per phase, on any device.
        TrainerBase.__init__(self)
        os.makedirs(cfg.OUTPUT_DIR, exist_ok=True)
        cfg = resolve_device(cfg).clone()
        precision = amp_dtype(cfg)  # before anything is opened: a CPU has no fp16
        self.test_sets = open_test_sets(cfg)
        cfg.defrost()
        cfg.DATASETS.TESTS = tuple(self.test_sets.available)
        cfg.freeze()
        loader = self.build_train_loader(cfg)
        train_set: CommDataset = loader.dataset
        self.cfg = cfg = self.auto_scale_hyperparams(cfg, train_set.num_classes)
        self.iters_per_epoch = len(train_set) // cfg.SOLVER.IMS_PER_BATCH
        self.phases = build_phases(cfg)
        self.start_epoch, self.max_epoch = 0, self.phases[-1].end_epoch
        self.max_iter = self.max_epoch * self.iters_per_epoch
        self.results: dict[str, dict[str, Scores]] = OrderedDict()

        seed_everything(*derive_seeds(cfg.SEED))
        self.raw_model = self.build_model(cfg)
        if ignored := self.raw_model.ignored_keys(cfg):
            name = cfg.MODEL.META_ARCHITECTURE
            logger.warning("%s ignores %s (docs/train.md)", name, ", ".join(ignored))
        self._trainer = TrainStep(
            self.raw_model,
            loader,
            amp_dtype=precision,
            log_period=cfg.SOLVER.LOG_PERIOD,
            images_per_step=cfg.SOLVER.IMS_PER_BATCH,
        )
        self.checkpointer = AtomicCheckpointer(
            self.raw_model, cfg.OUTPUT_DIR, save_to_disk=comm.is_main_process()
        )
        self.average = WeightAverage(self.raw_model, 0)  # nothing has been trained
        self.enter_phase(self.phases[0])
        self.register_hooks(self.build_hooks())

    # --- what FastReID builds differently ---

    @classmethod
    def build_model(cls, cfg: CfgNode) -> ReIDModel:
        """Build the model of a config, on its device."""
        return build_model(cfg)

    @classmethod
    def build_train_loader(cls, cfg: CfgNode) -> DeviceLoader:
        """Build endless batches of the training sets."""
        return build_train_loader(cfg)

    @classmethod
    def test(cls, cfg: CfgNode, model: ReIDModel) -> OrderedDict[str, Scores]:
        """Evaluate a model on the available test sets."""
        return score(cfg, model, open_test_sets(cfg).available)

    def build_hooks(self) -> list[HookBase]:
        """Build FastReID's hooks; those that must know about phases are exchanged in place."""
        return [PhaseHook(), ProgressHook(), *map(self._exchange, super().build_hooks())]

    def _exchange(self, hook: HookBase) -> HookBase:
        """Return our own hook in place of one of FastReID's, or the same hook."""
        match hook:
            case hooks.LRScheduler():
                return ScheduleHook()
            case hooks.EvalHook():
                return EvaluationHook(self.cfg.TEST.EVAL_PERIOD, self._evaluate_phase)
            case hooks.PeriodicCheckpointer():
                return CheckpointHook(self.checkpointer, self.cfg.SOLVER.CHECKPOINT_PERIOD)
            case hooks.LayerFreeze():
                return FreezeHook(self.raw_model, hook.freeze_layers, hook.freeze_iters)
            case hooks.PeriodicWriter():
                return WriterHook(hook._writers, self.cfg.SOLVER.LOG_PERIOD)
        return hook

    # --- phases ---

    def phase_of(self, epoch: int) -> Phase:
        """Return the phase of an epoch, which is counted from 0 over the whole run."""
        return next(p for p in self.phases if epoch < p.end_epoch)

    def enter_phase(self, phase: Phase) -> None:
        """Freeze, unfreeze, and make the optimizer and schedule of ``phase``."""
        self.average.swap()  # a phase starts from what the one before was evaluated with
        self.phase = phase
        self.raw_model.start_phase(phase.number)
        self.average = WeightAverage(self.raw_model, self.cfg.SOLVER.EMA_DECAY)
        model: nn.Module = self.raw_model.train()
        optimizer = build_optimizer(self.cfg, self.raw_model)
        self.scheduler = phase.build_schedule(self.cfg, optimizer, self.iters_per_epoch)
        self.warmup_iters = phase.start_epoch * self.iters_per_epoch + self.cfg.SOLVER.WARMUP_ITERS
        self.delay_epochs = phase.start_epoch + self.cfg.SOLVER.DELAY_EPOCHS
        self.checkpointer.checkpointables = {
            "optimizer": optimizer,
            **self.scheduler,
            **({"grad_scaler": self.grad_scaler} if self.grad_scaler else {}),
            **({"average": self.average} if self.cfg.SOLVER.EMA_DECAY else {}),
            "trainer": self,
        }
        if comm.get_world_size() > 1:
            devices = [comm.get_local_rank()] if self.raw_model.device.type == "cuda" else None
            model = DistributedDataParallel(model, device_ids=devices, broadcast_buffers=False)
        model = compiled(model, self.cfg.SOLVER.COMPILE, self.raw_model.device.type)
        self._trainer.start_phase(phase.name, model, optimizer, self.average)
        logger.info(
            "%s: epochs %d to %d of %d\n%s",
            phase.name,
            phase.start_epoch,
            phase.end_epoch - 1,
            self.max_epoch,
            describe_trainable(self.raw_model),
        )

    @override
    def resume_or_load(self, resume: bool = True) -> None:
        """Resume from the last checkpoint of OUTPUT_DIR, or start from MODEL.WEIGHTS.

        Raises:
            UserError: neither exists, and the run begins with a phase that needs one; or as
                ``AtomicCheckpointer.load``.
        """
        first = next((phase for phase in self.phases if phase.end_epoch > 0), self.phases[0])
        resumes = resume and self.checkpointer.has_checkpoint()
        if resumes:
            self._return_to(self.checkpointer.get_checkpoint_file())
        elif first.needs_weights and not self.cfg.MODEL.WEIGHTS:
            raise UserError(
                f"the run begins with {first.name}, which goes on with what was trained before it; "
                "name a checkpoint of the phase before: MODEL.WEIGHTS FILE"
            )
        self.checkpointer.resume_or_load(self.cfg.MODEL.WEIGHTS, resume=resume)
        self.raw_model.start_phase(self.phase.number)  # the file may come from another phase
        if not resumes:
            self.average.restart()

    def _return_to(self, path: str) -> None:
        """Enter the phase in which a checkpoint of this run was written, and set the next epoch."""
        saved = self.checkpointer.peek(path)
        epoch, state = saved["epoch"], saved["trainer"]
        check_same_run(state["config"], self.cfg, path, phase_keys=self.raw_model.phase_keys)
        phase = self.phase_of(min(epoch, self.max_epoch - 1))
        if phase.name != state["phase"]:
            raise UserError(
                f"--resume: epoch {epoch} of {path} is in {state['phase']}, but with the present "
                f"{' and '.join(self.raw_model.phase_keys)} in {phase.name}; set them as they were"
            )
        self.enter_phase(phase)
        self.start_epoch = epoch + 1

    def state_dict(self) -> dict:
        """Return the trainer's own state; FastReID's checkpoint hook writes the epoch."""
        return {"phase": self.phase.name, "config": self.cfg.dump(), "results": dict(self.results)}

    def load_state_dict(self, state: dict) -> None:
        """Take over the scores of earlier phases, unless they were measured differently."""
        if same_test(state["config"], self.cfg):
            self.results.update(state["results"])
        elif state["results"]:
            logger.warning(
                "scores after %s were measured with other settings under TEST and are left out",
                " and ".join(state["results"]),
            )

    # --- the loop ---

    def train(self) -> dict[str, dict[str, Scores]]:
        """Run the remaining epochs; then print the table and write summary.json."""
        if self.start_epoch >= self.max_epoch:
            logger.info("all %d epochs are done; nothing to train", self.max_epoch)
            self.average.swap()
            # The run was stopped between its last checkpoint and its report.
            if comm.is_main_process() and not os.path.exists(
                os.path.join(self.cfg.OUTPUT_DIR, "summary.json")
            ):
                self.checkpointer.save_for_inference()
                report_training(self.cfg, self.results, self.test_sets, 0.0)
            return self.results
        start = time.perf_counter()
        self.iter = self.start_iter = self.start_epoch * self.iters_per_epoch
        self.before_train()
        for phase in self.phases:
            epochs = range(max(self.start_epoch, phase.start_epoch), phase.end_epoch)
            # One storage per phase; else the losses of the last phase would still be printed.
            with EventStorage(self.iter) as self.storage:
                for self.epoch in epochs:
                    self._run_epoch(starts_data=self.epoch == epochs.start)
        self.average.swap()
        self.after_train()
        self.checkpointer.save_for_inference()
        if comm.is_main_process():
            seconds = time.perf_counter() - start
            report_training(self.cfg, self.results, self.test_sets, seconds)
        return self.results

    def one_step(self, phase: Phase | None = None) -> dict[str, float]:
        """Take one step on the first batch of a phase, without hooks; for tests and notebooks.

        Args:
            phase: entered if it is not the present one.

        Returns:
            The losses by name.
        """
        if phase is not None and phase is not self.phase:
            self.enter_phase(phase)
        self._start_data(self.phase, 0)
        self.iter = self.phase.start_epoch * self.iters_per_epoch
        with EventStorage(self.iter) as self.storage:
            self.run_step()
        self._trainer.finite.check()
        return {name: value.item() for name, value in self._trainer.losses.items()}

    def _start_data(self, phase: Phase, epoch: int) -> None:
        """Let the next batch be the first of an epoch, which is counted within its phase."""
        batches = self.data_loader.batch_sampler
        batches.start_at(phase.number, epoch)
        if batches.follows_model:
            follow_model(self.cfg, self.raw_model, self.data_loader.dataset, batches)
        self._trainer.restart_data()

    def _run_epoch(self, *, starts_data: bool) -> None:
        self.before_epoch()
        place = self.phase.number, self.epoch - self.phase.start_epoch
        if starts_data:
            start_prototypes(self.cfg, self.raw_model, self.data_loader.dataset)
        if starts_data or self.data_loader.batch_sampler.follows_model:
            self._start_data(self.phase, place[1])
        seed_everything(*derive_seeds(self.cfg.SEED, *place, comm.get_rank()))
        for _ in range(self.iters_per_epoch):
            self.before_step()
            self.run_step()
            self.after_step()
            self.iter += 1
        self._trainer.finite.check()  # before anything is saved or evaluated
        with self.average.applied():
            self.after_epoch()

    def _evaluate_phase(self) -> dict[str, dict] | Scores:
        """Score the model; FastReID's hooks expect the scores alone if there is one test set."""
        scores = score(self.cfg, self.raw_model, self.test_sets.available)
        self.results[self.phase.name] = scores
        return scores if len(scores) != 1 else next(iter(scores.values()))
