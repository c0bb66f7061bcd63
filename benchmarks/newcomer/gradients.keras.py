import keras
import numpy as np
import torch
from digits import load

keras.utils.set_random_seed(0)
train_x, train_t, test_x, test_t = load()
model = keras.Sequential(
    [
        keras.Input((784,)),
        keras.layers.Dense(50, activation="sigmoid"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
optimizer = keras.optimizers.SGD(1.0)
model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_x, train_t, epochs=10, batch_size=100, verbose=0)
print("accuracy", model.evaluate(test_x, test_t, verbose=0)[1])

keras.config.set_floatx("float64")
exact = keras.models.clone_model(model)
exact.set_weights(model.get_weights())
x, t = torch.tensor(train_x[:5], dtype=torch.float64), torch.tensor(train_t[:5])


def loss():
    return keras.losses.sparse_categorical_crossentropy(t, exact(x)).mean()


exact.zero_grad()
loss().backward()
step = 1e-5
for variable in exact.trainable_variables:
    given = variable.value.grad.numpy()
    values = variable.value.detach().numpy()
    found = []
    for at in [*np.ndindex(values.shape)][:: max(values.size // 100, 1)]:  # all take minutes
        kept = values[at]
        values[at] = kept + step
        above = loss().item()
        values[at] = kept - step
        below = loss().item()
        values[at] = kept
        found.append((above - below) / (2 * step) - given[at])
    print(variable.path, "largest difference", np.abs(found).max())
