"""The contestants that train multilayer perceptrons, and that predict by them; see rivals.py.

Each keeps the form that is usual with it: for two classes PyTorch has a softmax over two outputs,
the others one logistic output.
"""

from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from objective import NetworkPrediction, NetworkTraining
from rivals import Contestant
from threadpoolctl import ThreadpoolController


class NetworkContestant(Contestant):
    """Everybody computes in the dtype of the problem."""

    job, order = "mlp", "C"

    def load(self, problem):
        self.dtype = problem.dtype
        super().load(problem)


# Training --------------------------------------------------------------------------------------


class ScikitLearnNetwork(NetworkContestant):
    """`MLPClassifier` with Adam: shuffled batches, neither early stopping nor tolerance."""

    solves = NetworkTraining
    name, module, package = "scikit-learn", "sklearn.neural_network", "scikit-learn"

    def refuses(self, problem):
        return "no dropout, no label smoothing" if problem.regularizers else ""

    def is_default(self, problem):
        return True

    def options(self):
        return {"solver": "adam", "learning_rate_init": self.problem.learning_rate}

    def solve(self, tol):
        problem = self.problem
        model = self.lib.MLPClassifier(
            hidden_layer_sizes=problem.hidden,
            batch_size=problem.batch_size,
            max_iter=problem.epochs,
            alpha=0.0,
            tol=0.0,
            n_iter_no_change=problem.epochs + 1,
            random_state=problem.seed,
            **self.options(),
        )
        return model.fit(self.X, self.y)

    def probabilities(self, model, X):
        """Return those of the classes for rows in the form that training has."""
        return model.predict_proba(X)

    def answer(self, model):
        return self.probabilities(model, self.X)


class SkregNetwork(ScikitLearnNetwork):
    name, module, package, ours = "skreg", "skreg", "skreg", True
    get = "pip install -e ."

    def refuses(self, problem):
        return ""

    def is_default(self, problem):
        return False

    def options(self):
        problem = self.problem
        scheduled = callable(problem.learning_rate)
        rate = {"learning_rate" if scheduled else "learning_rate_init": problem.learning_rate}
        solver = "adamw" if problem.regularizers else "adam"
        return {"solver": solver, **rate, **problem.regularizers}


class PlainSkregNetwork(SkregNetwork):
    """The same without regularizers, beside which it is seen what they cost."""

    name, reference = "skreg, plain", True

    def refuses(self, problem):
        return "" if problem.regularizers else "the case is plain"


class Torch(NetworkContestant):
    """Fused AdamW on batches cut from one shuffled copy an epoch; no data loader."""

    module = package = "torch"
    solves = NetworkTraining
    slow_first_run = True

    @property
    def remark(self):
        return "two outputs for two classes" if self.problem.n_classes == 2 else ""

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
        sizes = [self.X.shape[1], *problem.hidden, problem.n_classes]
        rates = [problem.regularizers.get(name, 0) for name in ("input_dropout", "dropout")]
        layers = []
        for depth, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            if depth:
                layers.append(nn.ReLU())
            if rate := rates[depth > 0]:
                layers.append(nn.Dropout(rate))
            layers.append(nn.Linear(fan_in, fan_out))
            nn.init.xavier_uniform_(layers[-1].weight)
        return nn.Sequential(*layers).to(self.inputs.dtype)

    def solve(self, tol):
        torch, problem = self.lib, self.problem
        torch.manual_seed(problem.seed)
        network, rates = self.network(), problem.rates
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=problem.learning_rate if rates is None else rates[0],
            weight_decay=problem.regularizers.get("weight_decay", 0.0),
            fused=True,
        )
        # PyTorch spreads its smoothing over all classes, the true one included.
        smoothing = problem.regularizers.get("label_smoothing", 0.0)
        smoothing *= problem.n_classes / (problem.n_classes - 1)
        max_norm = problem.regularizers.get("max_grad_norm")
        (group,) = optimizer.param_groups
        step = 0
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
                if rates is not None:
                    group["lr"] = rates[step]
                    step += 1
                if max_norm is not None:
                    torch.nn.utils.clip_grad_norm_(network.parameters(), max_norm)
                optimizer.step()
        return network

    def probabilities(self, model, X):
        with self.lib.no_grad():
            scores = model.eval()(self.lib.from_numpy(X))
            return self.lib.softmax(scores.double(), dim=1).numpy()

    def answer(self, model):
        return self.probabilities(model, self.X)


class TorchOnOneThread(Torch):
    name = "PyTorch, 1 thread"

    def thread_counts(self, cores):
        return [1]


class TorchOnAllThreads(Torch):
    name = "PyTorch, all threads"

    def thread_counts(self, cores):
        return [cores]


# Prediction ------------------------------------------------------------------------------------


class ScikitLearnPrediction(NetworkContestant):
    """`predict_proba`; the parameters replace those of a training on two rows a class."""

    solves = NetworkPrediction
    name, module, package = "scikit-learn", "sklearn.neural_network", "scikit-learn"

    def is_default(self, problem):
        return True

    def load(self, problem):
        self.dtype = problem.dtype
        self.X, self.problem = np.require(problem.X, self.dtype, [self.order]), problem
        self.pools = ThreadpoolController()
        hidden = [len(intercept) for intercept in problem.intercepts[:-1]]
        labels = np.arange(2 * problem.n_classes) % problem.n_classes
        rows = np.zeros((len(labels), self.X.shape[1]), self.dtype)
        self.model = self.lib.MLPClassifier(hidden)
        self.model.partial_fit(rows, labels, classes=np.unique(labels))
        self.model.coefs_ = [coef.astype(self.dtype) for coef in problem.coefs]
        self.model.intercepts_ = [part.astype(self.dtype) for part in problem.intercepts]
        self.times = 1 / problem.calls

    def solve(self, tol):
        for _ in range(self.problem.calls):
            answer = self.model.predict_proba(self.X)
        return answer


class SkregPrediction(ScikitLearnPrediction):
    name, module, package, ours = "skreg", "skreg", "skreg", True
    get = "pip install -e ."

    def is_default(self, problem):
        return False
