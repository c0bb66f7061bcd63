"""A module of torch run on random rows: whether it runs, and what moves what."""

import warnings

import torch

warnings.simplefilter("ignore")


def probe(module, integers):
    """The error of a run; else the result's shape, and what its first entries depend on."""
    try:
        module.eval()
        torch.manual_seed(0)
        x = torch.randint(0, 50, (4, 12)) if integers else torch.rand(4, 1, 28, 28)
        with torch.no_grad():
            y = module(x)
            other = x.clone()
            other[1:] = x[1:].flip(-1).roll(1, 0)
            rows = bool((module(other)[0] - y[0]).abs().max() > 1e-6)
            later = x.clone()
            later[:, -1] = x[:, -1].flip(0)
            places = integers and bool((module(later)[:, 0] - y[:, 0]).abs().max() > 1e-6)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    count = sum(each.numel() for each in module.parameters())
    return {"shape": list(y.shape), "parameters": count, "rows": rows, "places": places}
