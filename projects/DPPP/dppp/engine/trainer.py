"""The trainer: FastReID's ``DefaultTrainer`` with phases, on any device."""

import logging
import os
import time
from collections import OrderedDict

from fastreid.config import CfgNode
from fastreid.engine import DefaultTrainer, hooks
from fastreid.engine.train_loop import TrainerBase
from fastreid.utils import comm
from fastreid.utils.events import EventStorage
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ..config import amp_dtype
from ..data.loaders import DeviceLoader, build_test_loader, build_train_loader
from ..data.sampling import derive_seeds, seed_everything
from ..errors import UserError
from ..evaluation import RankingEvaluator
from ..modeling.build import build_model
from .checkpoint import AtomicCheckpointer
from .freezing import FreezeHook
from .phases import (
    CheckpointHook,
    EvaluationHook,
    Phase,
    PhaseHook,
    ProgressHook,
    ScheduleHook,
    WriterHook,
    build_phases,
    describe_trainable,
)
from .resume import check_same_run, same_test
from .step import TrainStep
from .summary import by_test_set, format_summary, keep_available_tests, summarize, write_summary

logger = logging.getLogger("fastreid.dppp")


class DPPPTrainer(DefaultTrainer):
    """Trains ``CLIPDPPP`` through its phases, any other meta-architecture as FastReID does.

    Attributes:
        phases: the phases of the run, in order; ``phase`` is the present one.
        results: phase name -> test set -> scores, as far as the run has come.
    """

    def __init__(self, cfg: CfgNode) -> None:
        TrainerBase.__init__(self)
        os.makedirs(cfg.OUTPUT_DIR, exist_ok=True)
        cfg, self.not_available = keep_available_tests(cfg)
        loader = self.build_train_loader(cfg)
        self.cfg = cfg = self.auto_scale_hyperparams(cfg, loader.dataset.num_classes)
        self.iters_per_epoch = len(loader.dataset) // cfg.SOLVER.IMS_PER_BATCH
        self.phases = build_phases(cfg)
        self.start_epoch, self.max_epoch = 0, self.phases[-1].end_epoch
        self.max_iter = self.max_epoch * self.iters_per_epoch
        self.results: dict[str, dict] = OrderedDict()

        seed_everything(*derive_seeds(cfg.SEED))
        self.raw_model = self.build_model(cfg)
        self._trainer = TrainStep(
            self.raw_model,
            loader,
            amp_dtype(cfg),
            cfg.SOLVER.LOG_PERIOD,
            cfg.SOLVER.IMS_PER_BATCH,
        )
        self.checkpointer = AtomicCheckpointer(
            self.raw_model, cfg.OUTPUT_DIR, save_to_disk=comm.is_main_process()
        )
        self.enter_phase(self.phases[0])
        self.register_hooks(self.build_hooks())

    # --- what FastReID builds differently ---

    @classmethod
    def build_model(cls, cfg: CfgNode) -> nn.Module:
        return build_model(cfg)

    @classmethod
    def build_train_loader(cls, cfg: CfgNode) -> DeviceLoader:
        return build_train_loader(cfg)

    @classmethod
    def build_test_loader(cls, cfg: CfgNode, dataset_name: str) -> tuple[DeviceLoader, int]:
        return build_test_loader(cfg, dataset_name)

    @classmethod
    def build_evaluator(cls, cfg: CfgNode, dataset_name: str, output_dir: str | None = None):
        loader, num_query = cls.build_test_loader(cfg, dataset_name)
        return loader, RankingEvaluator(cfg, num_query, output_dir)

    def build_hooks(self) -> list[hooks.HookBase]:
        """FastReID's hooks; those that must know about phases are exchanged in place."""
        period = self.cfg.TEST.EVAL_PERIOD
        own = {
            hooks.LRScheduler: lambda _: ScheduleHook(),
            hooks.EvalHook: lambda _: EvaluationHook(period, self._evaluate_phase),
            hooks.PeriodicCheckpointer: lambda _: CheckpointHook(
                self.checkpointer, self.cfg.SOLVER.CHECKPOINT_PERIOD
            ),
            hooks.LayerFreeze: lambda h: FreezeHook(
                self.raw_model, h.freeze_layers, h.freeze_iters
            ),
            hooks.PeriodicWriter: lambda h: WriterHook(h._writers, self.cfg.SOLVER.LOG_PERIOD),
        }
        upstream = super().build_hooks()
        return [PhaseHook(), ProgressHook()] + [own.get(type(h), lambda h: h)(h) for h in upstream]

    # --- phases ---

    def phase_of(self, epoch: int) -> Phase:
        """The phase that an epoch, counted from 0 over the whole run, belongs to."""
        return next(p for p in self.phases if epoch < p.end_epoch)

    def enter_phase(self, phase: Phase) -> None:
        """Freeze, unfreeze, and make the optimizer and schedule of ``phase``."""
        self.phase = phase
        phase.enter(self.raw_model)
        model = self.raw_model.train()
        optimizer = phase.build_optimizer(self.cfg, model)
        self.scheduler = phase.build_schedule(self.cfg, optimizer, self.iters_per_epoch)
        self.warmup_iters = phase.start_epoch * self.iters_per_epoch + self.cfg.SOLVER.WARMUP_ITERS
        self.delay_epochs = phase.start_epoch + self.cfg.SOLVER.DELAY_EPOCHS
        self.checkpointer.checkpointables = {
            "optimizer": optimizer,
            **self.scheduler,
            **({"grad_scaler": self.grad_scaler} if self.grad_scaler else {}),
            "trainer": self,
        }
        if comm.get_world_size() > 1:
            devices = [comm.get_local_rank()] if model.device.type == "cuda" else None
            model = DistributedDataParallel(model, device_ids=devices, broadcast_buffers=False)
        self._trainer.model, self._trainer.optimizer = model, optimizer
        self._trainer.phase_name = phase.name
        logger.info(
            "%s: epochs %d to %d of %d\n%s",
            phase.name,
            phase.start_epoch,
            phase.end_epoch - 1,
            self.max_epoch,
            describe_trainable(self.raw_model),
        )

    def resume_or_load(self, resume: bool = True) -> None:
        """Go on from the last checkpoint of OUTPUT_DIR, or start from MODEL.WEIGHTS."""
        if resume and self.checkpointer.has_checkpoint():
            self._go_back_to(self.checkpointer.get_checkpoint_file())
        self.checkpointer.resume_or_load(self.cfg.MODEL.WEIGHTS, resume=resume)
        self.phase.enter(self.raw_model)  # the file may come from another phase

    def _go_back_to(self, path: str) -> None:
        """Enter the phase a checkpoint of this run was written in, and know the next epoch."""
        saved = self.checkpointer.peek(path)
        epoch, state = saved["epoch"], saved["trainer"]
        check_same_run(state["config"], self.cfg, path)
        phase = self.phase_of(min(epoch, self.max_epoch - 1))
        if phase.name != state["phase"]:
            raise UserError(
                f"--resume: epoch {epoch} of {path} is in {state['phase']}, with the present "
                f"SOLVER.PHASE_EPOCHS and MODEL.DPPP.PHASES in {phase.name}; set them as they were"
            )
        self.enter_phase(phase)
        self.start_epoch = epoch + 1

    def state_dict(self) -> dict:
        """What the trainer itself knows; the epoch is written by FastReID's checkpoint hook."""
        return {"phase": self.phase.name, "config": self.cfg.dump(), "results": dict(self.results)}

    def load_state_dict(self, state: dict) -> None:
        if same_test(state["config"], self.cfg):
            self.results.update(state["results"])
        elif state["results"]:
            logger.warning(
                "the scores after %s were measured with other settings under TEST and are left out",
                " and ".join(state["results"]),
            )

    # --- the loop ---

    def train(self) -> dict[str, dict]:
        """Run the remaining epochs; then print the table and write summary.json."""
        if self.start_epoch >= self.max_epoch:
            logger.info("all %d epochs are done; nothing to train", self.max_epoch)
            # a run that was stopped between its last checkpoint and its report still owes it
            if comm.is_main_process() and not os.path.exists(
                os.path.join(self.cfg.OUTPUT_DIR, "summary.json")
            ):
                self.checkpointer.save_for_inference()
                self.report(0.0)
            return self.results
        start = time.perf_counter()
        self.iter = self.start_iter = self.start_epoch * self.iters_per_epoch
        self.before_train()
        for phase in self.phases:
            epochs = range(max(self.start_epoch, phase.start_epoch), phase.end_epoch)
            # A storage for each phase, or the losses of the last one would go on being printed.
            with EventStorage(self.iter) as self.storage:
                self.data_loader.batch_sampler.start_at(
                    phase.number, epochs.start - phase.start_epoch
                )
                self._trainer.restart_data()
                for self.epoch in epochs:
                    self._run_epoch()
        self.after_train()
        self.checkpointer.save_for_inference()
        if comm.is_main_process():
            self.report(time.perf_counter() - start)
        return self.results

    def _run_epoch(self) -> None:
        self.before_epoch()
        place = self.phase.number, self.epoch - self.phase.start_epoch
        seed_everything(*derive_seeds(self.cfg.SEED, *place, comm.get_rank()))
        for _ in range(self.iters_per_epoch):
            self.before_step()
            self.run_step()
            self.after_step()
            self.iter += 1
        self.after_epoch()

    def _evaluate_phase(self) -> dict:
        results = self.test(self.cfg, self.model)
        self.results[self.phase.name] = by_test_set(self.cfg, results)
        return results

    def report(self, seconds: float) -> None:
        """Print the table of all phases and write it to the output folder."""
        after = {f"after {name}": scores for name, scores in self.results.items()}
        summary = summarize(self.cfg, after, self.not_available)
        write_summary(self.cfg.OUTPUT_DIR, summary, seconds)
        logger.info(
            "%.0f s of training and evaluation, %s/summary.json:\n\n%s\n",
            seconds,
            self.cfg.OUTPUT_DIR,
            format_summary(summary),
        )
