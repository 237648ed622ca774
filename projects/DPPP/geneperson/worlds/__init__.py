"""What surrounds a person: scenes, lightings, cameras, occlusion, and worlds made of them."""
