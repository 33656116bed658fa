"""How earlier stores of settlement become those of today: a module a step, along their numbers (`services.runtime.stores`)."""
