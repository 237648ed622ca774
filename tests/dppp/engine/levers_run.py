"""Prototypes and hard batches at a start, and after a step, in the processes of torchrun.

Each writes what it has into a file of its own.

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
from dppp.engine.prototypes import start_prototypes


def main(args: Namespace) -> None:
    trainer = DPPPTrainer(load_config(args.config, args.opts))
    start_prototypes(trainer.cfg, trainer.raw_model, trainer.data_loader.dataset)
    trainer._start_data(trainer.phase, 0)
    batches = trainer.data_loader.batch_sampler
    train_set = trainer.data_loader.dataset
    numbers = [train_set.pid_dict[item[1]] for item in train_set.img_items]
    drawn = [[(numbers[index], index) for index, _ in batch] for batch in batches]
    prototypes = trainer.raw_model.prototype_memory.prototypes
    start = prototypes.clone()
    trainer.one_step()
    found = start, batches._nearest, drawn, prototypes
    torch.save(found, args.folder / f"{comm.get_rank()}.pt")


if __name__ == "__main__":
    config, folder, *opts = sys.argv[1:]
    arguments = Namespace(config=config, folder=Path(folder), opts=opts, num_gpus=1, num_machines=1)
    launch(main, arguments, "cpu")
