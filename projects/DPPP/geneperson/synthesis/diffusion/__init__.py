"""The paper's route: SDXL with two ControlNets and three LoRAs."""
