"""What surrounds a person: scenes, lightings, occlusion, cameras, and worlds made of them."""
