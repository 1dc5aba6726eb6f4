"""Every member on L = w'Aw/2 - b'w in three dimensions, held against published numbers."""

import torch

import rules

A = torch.tensor([[3, 1, 0], [1, 2, 0.5], [0, 0.5, 1]], dtype=torch.float64)
B = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64)
W = torch.tensor([1, -2, 0.5], dtype=torch.float64)


class Quadratic:
    """The passes of one step at the weights `w`."""

    step, names = 0, ["w"]

    def __init__(self, w=W):
        self.weights = [w.detach().clone()]

    def at(self, e):
        w = self.weights[0] + e[0]
        return (0.5 * w @ A @ w - B @ w).item(), [A @ w - B]

    def here(self):
        return self.at([torch.zeros_like(W)])


def top_eigenvector():
    values, vectors = torch.linalg.eigh(A)
    return values[-1].item(), vectors[:, -1]


def members():
    """name: (rule, parameters, state)"""
    half = torch.full((3,), 0.5, dtype=torch.float64)
    return {
        "sam": (rules.sam, {"rho": 0.05}, {}),
        "asam": (rules.asam, {"rho": 0.5, "eta": 0.0}, {}),
        "asam_eta": (rules.asam, {"rho": 0.5, "eta": 0.01}, {}),
        "fishersam": (rules.fishersam, {"gamma": 0.05, "eta": 1.0}, {}),
        "lesam": (rules.lesam, {"budget": 0.35, "clip": 0.4}, {}),
        "lesam_clipped": (rules.lesam, {"budget": 0.35, "clip": 0.1}, {}),
        "lesam_unclipped": (rules.lesam, {"budget": 0.35, "clip": None}, {}),
        "lesam_plus": (rules.lesam_plus, {"budget": 0.35, "clip": 0.4, "coefficient": 0.5}, {}),
        "gsam": (rules.gsam, {"rho": 0.05, "alpha": 0.4}, {}),
        "ssam": (rules.ssam, {"rho": 0.05}, {}),
        "wsam": (rules.wsam, {"rho": 0.05, "gamma": 0.9}, {}),
        "sagm": (rules.sagm, {"rho": 0.05, "alpha": 0.001}, {}),
        "fsam": (rules.fsam, {"rho": 0.05, "sigma": 1.0, "decay": 0.9}, {"m": [half]}),
        "eigensam": (rules.eigensam, {"rho": 0.05, "alpha": 0.2}, {"v": [top_eigenvector()[1]]}),
        "fsam_sigma": (rules.fsam, {"rho": 0.05, "sigma": 0.7, "decay": 0.9}, {"m": [half]}),
        "fsam_after": (rules.fsam_after, {"rho": 0.05, "sigma": 0.7, "decay": 0.9}, {"m": [half]}),
        "gsam_clean": (rules.gsam_clean, {"rho": 0.05, "alpha": 0.4}, {}),
        "ssam_unnormalised": (rules.ssam_unnormalised, {"rho": 0.05}, {}),
        "looksam": (rules.looksam, {"rho": 0.1, "every": 2, "alpha": 0.7}, {}),
        "sagm_sum": (rules.sagm_sum, {"rho": 0.05, "alpha": 0.001}, {}),
        "lesam_adaptive": (rules.lesam_adaptive, {"budget": 0.35, "clip": 0.4, "eta": 0.01}, {}),
        "asam_gsam": (rules.asam_gsam, {"rho": 0.5, "eta": 0.01, "alpha": 0.4}, {}),
    }


def row(step, parameters):
    tensors = {
        "e": step.perturbation, "g_p": step.perturbed_gradient, "d": step.direction, **step.extra,
    }
    scalars = {"radius": step.radius, "clipped": step.clipped, "rise": step.perturbed_loss - step.loss, **step.scalars}
    return {"parameters": parameters, **scalars, **{k: v[0].tolist() for k, v in tensors.items()}}


def numbers():
    loss, gradient = Quadratic().here()
    value, vector = top_eigenvector()
    out = {
        "A": A.tolist(), "b": B.tolist(), "w": W.tolist(), "loss": loss, "gradient": gradient[0].tolist(),
        "gradient_norm": rules.norm(gradient).item(), "top_eigenvalue": value, "top_eigenvector": vector.tolist(),
    }
    for name, (rule, parameters, state) in members().items():
        out[name] = row(rule(Quadratic(), state, **parameters), parameters)
    v = [torch.tensor([0.2, -0.1, 0.4], dtype=torch.float64)]
    out["msam"] = {"parameters": {"rho": 0.3}, "momentum": v[0].tolist(), "e": rules.msam_perturbation(v, rho=0.3)[0].tolist()}
    out["fsam_average"] = friendly_average()
    return out


class Given:
    """Passes that return the gradients they are told, whatever the weights."""

    def __init__(self, gradient):
        self.gradient = [torch.tensor(gradient, dtype=torch.float64)]

    def here(self):
        return 0.0, self.gradient

    def at(self, e):
        return 0.0, self.gradient


def friendly_average():
    """The running mean of F-SAM after three given gradients."""
    gradients, state = [[1.0, 0, 0], [1.0, 1, 0], [1.0, 0, 1]], {}
    for gradient in gradients:
        rules.fsam(Given(gradient), state, rho=0.05, sigma=1.0, decay=0.9)
    return {"gradients": gradients, "m": state["m"][0].tolist()}


# member, field, published value (nine decimals)
PUBLISHED = [
    (None, "gradient", [0.7, -2.55, -0.6]),
    (None, "gradient_norm", 2.7115493726),
    (None, "loss", 2.375),
    (None, "top_eigenvalue", 3.644972541),
    ("sam", "e", [0.012907749, -0.047021087, -0.011063785]),
    ("sam", "g_p", [0.691702161, -2.636666318, -0.634574329]),
    ("sam", "rise", 0.137752749),
    ("asam", "e", [0.067874849, -0.989033512, -0.014544610]),
    ("asam", "radius", 0.991466504),
    ("asam_eta", "e", [0.068884824, -0.993836765, -0.015054778]),
    ("fishersam", "e", [0.019438569, -0.014063283, -0.018254287]),
    ("fishersam", "radius", 0.030147187),
    ("lesam", "radius", 0.129077495),
    ("lesam", "e", [0.033321999, -0.121387283, -0.028561714]),
    ("lesam", "rise", 0.364496939),
    ("lesam", "g_p", [0.678578715, -2.773733424, -0.689255355]),
    ("lesam_plus", "d", [0.667868072, -2.885600136, -0.733883033]),
    ("gsam", "g_perp", [0.029906883, 0.004295840, 0.014749981]),
    ("gsam", "d", [0.679739408, -2.638384654, -0.640474321]),
    ("ssam", "d", [0.670144636, -2.554492222, -0.614797245]),
    ("wsam", "d", [0.625319449, -3.329996861, -0.911168961]),
    ("sagm", "e", [0.012207749, -0.044471087, -0.010463785]),
    ("sagm", "d", [0.696076081, -2.590983159, -0.616349664]),
    ("fsam", "e", [0.003078381, -0.046945305, -0.016931094]),
    ("fsam_average", "m", [1.0, 0.09, 0.1]),
    ("eigensam", "e", [0.003737722, -0.049461903, -0.011388685]),
    ("eigensam", "radius", 0.050893541),
    ("msam", "e", [-0.130930734, 0.065465367, -0.261861468]),
]


def disagreements(computed, tolerance=5.1e-10):
    """Published numbers that differ by more than their own rounding."""
    found = []
    for member, key, published in PUBLISHED:
        ours = (computed[member] if member else computed)[key]
        ours, given = (torch.tensor(v, dtype=torch.float64) for v in (ours, published))
        gap = (ours - given).abs().max().item()
        if gap > tolerance:
            found.append((member, key, published, ours.tolist()))
    return found
