"""The contestants that train multilayer perceptrons; see rivals.py."""

from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from objective import NetworkTraining
from rivals import Contestant


class NetworkContestant(Contestant):
    job, solves = "mlp", NetworkTraining
    order = "C"

    def answer(self, model):
        return model.predict_proba(self.X)


class ScikitLearnNetwork(NetworkContestant):
    """`MLPClassifier` with Adam: shuffled batches, neither early stopping nor tolerance."""

    name, module, package = (
        "scikit-learn, float64",
        "sklearn.neural_network",
        "scikit-learn",
    )

    def refuses(self, problem):
        return "no dropout, no label smoothing" if problem.regularizers else ""

    def options(self):
        return {"solver": "adam"}

    def solve(self, tol):
        problem = self.problem
        model = self.lib.MLPClassifier(
            hidden_layer_sizes=problem.hidden,
            batch_size=problem.batch_size,
            max_iter=problem.epochs,
            learning_rate_init=problem.learning_rate,
            alpha=0.0,
            tol=0.0,
            n_iter_no_change=problem.epochs + 1,
            random_state=0,
            **self.options(),
        )
        return model.fit(self.X, self.y)


class ScikitLearnNetwork32(ScikitLearnNetwork):
    name, dtype = "scikit-learn, float32", np.float32


class SkregNetwork(ScikitLearnNetwork):
    name, module, package, ours = "skreg, float64", "skreg", "skreg", True
    get = "pip install -e ."

    def refuses(self, problem):
        return ""

    def options(self):
        regularizers = self.problem.regularizers
        return {"solver": "adamw", **regularizers} if regularizers else {"solver": "adam"}


class SkregNetwork32(SkregNetwork):
    name, dtype = "skreg, float32", np.float32


class Torch(NetworkContestant):
    """Fused AdamW on batches cut from one shuffled copy an epoch; no data loader."""

    name, module, package = "PyTorch, float32", "torch", "torch"
    slow_first_run = True
    dtype = np.float32

    @contextmanager
    def threads(self, count):
        self.lib.set_num_threads(count)
        with super().threads(count):
            yield

    def load(self, problem):
        super().load(problem)
        self.inputs = self.lib.from_numpy(self.X)
        self.labels = self.lib.from_numpy(self.y.astype(np.int64))

    def network(self):
        """Linear layers with ReLU and dropout, started as scikit-learn starts them."""
        nn, problem = self.lib.nn, self.problem
        sizes = [self.X.shape[1], *problem.hidden]
        layers = []
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
            if problem.regularizers:
                layers.append(nn.Dropout(problem.regularizers["dropout"]))
        layers.append(nn.Linear(sizes[-1], problem.n_classes))
        for layer in layers[:: 3 if problem.regularizers else 2]:
            nn.init.xavier_uniform_(layer.weight)
        return nn.Sequential(*layers)

    def solve(self, tol):
        torch, problem = self.lib, self.problem
        torch.manual_seed(0)
        network = self.network()
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=problem.learning_rate,
            weight_decay=problem.regularizers.get("weight_decay", 0.0),
            fused=True,
        )
        # PyTorch spreads its smoothing over all classes, the true one included.
        smoothing = problem.regularizers.get("label_smoothing", 0.0)
        smoothing *= problem.n_classes / (problem.n_classes - 1)
        for _ in range(problem.epochs):
            order = torch.randperm(len(self.labels))
            inputs, labels = self.inputs[order], self.labels[order]
            batches = zip(
                inputs.split(problem.batch_size), labels.split(problem.batch_size), strict=True
            )
            for batch, target in batches:
                loss = torch.nn.functional.cross_entropy(
                    network(batch), target, label_smoothing=smoothing
                )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
        return network

    def answer(self, model):
        with self.lib.no_grad():
            return self.lib.softmax(model.eval()(self.inputs).double(), dim=1).numpy()
