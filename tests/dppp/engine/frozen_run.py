"""A training run in as many processes as torchrun starts; each keeps its weights on the way.

Arguments: a config file, a folder to write 0.pt, 1.pt ... into, then KEY VALUE ... of the config.
"""

import sys
from argparse import Namespace
from pathlib import Path

import torch
from fastreid.utils import comm

from dppp import DPPPTrainer
from dppp.config import load_config
from dppp.engine import launch


class Run(DPPPTrainer):
    """Keeps the state of the model before the first step and after each epoch."""

    def before_train(self) -> None:
        super().before_train()
        self.states = [self._state()]

    def after_epoch(self) -> None:
        super().after_epoch()
        self.states.append(self._state())

    def _state(self) -> dict[str, torch.Tensor]:
        return {key: value.clone() for key, value in self.raw_model.state_dict().items()}


def main(args: Namespace) -> None:
    trainer = Run(load_config(args.config, args.opts))
    trainer.resume_or_load(resume=False)
    trainer.train()
    weights = {name for name, _ in trainer.raw_model.named_parameters()}
    torch.save((trainer.states, weights), args.folder / f"{comm.get_rank()}.pt")


if __name__ == "__main__":
    config, folder, *opts = sys.argv[1:]
    arguments = Namespace(config=config, folder=Path(folder), opts=opts, num_gpus=1, num_machines=1)
    launch(main, arguments, "cpu")
