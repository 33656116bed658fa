"""How earlier stores of payment become those of today: a module a step, along their numbers (`services.runtime.stores`)."""
