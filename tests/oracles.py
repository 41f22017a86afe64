"""The formulas once more, in plain float64 NumPy, as the posts print them."""

import numpy as np


def sample(z_mean, z_log_var, noise):
    """z = μ + exp(l/2)·ε."""
    z_mean, z_log_var, noise = _float64(z_mean, z_log_var, noise)
    return z_mean + np.exp(z_log_var / 2) * noise


def gaussian_kl(z_mean, z_log_var, prior_mean=0.0):
    """KL of each dim, printed in kexue.fm 5253 as −½(1 + l − μ² − e^l)."""
    z_mean, z_log_var, prior_mean = _float64(z_mean, z_log_var, prior_mean)
    distance = (z_mean - prior_mean) ** 2
    return -0.5 * (1 + z_log_var - distance - np.exp(z_log_var))


def gaussian_kl_gradients(z_mean, z_log_var, prior_mean=0.0):
    """Derivatives of `gaussian_kl` by z_mean, z_log_var and prior_mean."""
    z_mean, z_log_var, prior_mean = _float64(z_mean, z_log_var, prior_mean)
    offset = z_mean - prior_mean
    return offset, 0.5 * (np.exp(z_log_var) - 1), -offset


def one_sample_kl(z_mean, z_log_var, z, prior_mean=0.0):
    """ln q(z|x) − ln p(z) of each dim, out of the two log-densities."""
    z_mean, z_log_var, z, prior_mean = _float64(
        z_mean, z_log_var, z, prior_mean
    )
    variance = np.exp(z_log_var)
    return log_normal(z, z_mean, variance) - log_normal(z, prior_mean, 1.0)


def one_sample_kl_gradients(z_mean, z_log_var, z, prior_mean=0.0):
    """Derivatives of `one_sample_kl` by z_mean, z_log_var, z, prior_mean."""
    z_mean, z_log_var, z, prior_mean = _float64(
        z_mean, z_log_var, z, prior_mean
    )
    precision = np.exp(-z_log_var)
    offset = z - z_mean
    return (
        offset * precision,
        0.5 * (offset**2 * precision - 1),
        (z - prior_mean) - offset * precision,
        -(z - prior_mean),
    )


def log_normal(value, mean, variance):
    return -0.5 * (
        np.log(2 * np.pi * variance) + (value - mean) ** 2 / variance
    )


def importance_weighted_bound(log_weights):
    """ln of the mean weight over the last axis, as printed."""
    (log_weights,) = _float64(log_weights)
    return np.log(np.mean(np.exp(log_weights), axis=-1))


def importance_weighted_loss(weights, x, noise, kl_weight=1.0):
    """−mean_x bound of a net of one tanh layer each way, (batch, k, d) noise.

    `weights` names the arrays of both parts: W, b of the hidden layers, then
    the heads, then the logits.
    """
    return -importance_weighted_bound(
        importance_weights_of(weights, x, noise, kl_weight)
    ).mean()


def importance_weights_of(weights, x, noise, kl_weight=1.0, at=None):
    """log w_i; the parameters of ln p(z|x) come from `at` where it is given."""
    x, noise = _float64(x, noise)
    z_mean, z_log_var = _tanh_heads(weights, x)
    z = sample(z_mean[:, None], z_log_var[:, None], noise)
    density_mean, density_log_var = _tanh_heads(
        weights if at is None else at, x
    )
    divergence = one_sample_kl(
        density_mean[:, None], density_log_var[:, None], z
    ).sum(-1)
    hidden = np.tanh(_dense(weights["decoder_hidden"], z))
    logits = _dense(weights["pixels"], hidden)
    likelihood = x[:, None] * logits - np.logaddexp(0, logits)
    return likelihood.sum(-1) - kl_weight * divergence


def _tanh_heads(weights, x):
    hidden = np.tanh(_dense(weights["encoder_hidden"], x))
    return _dense(weights["z_mean"], hidden), _dense(
        weights["z_log_var"], hidden
    )


def linear_gaussian_log_likelihood(x, kernel, bias, variance):
    """ln N(x; b, W Wᵀ + v) with z ~ N(0, 1), x|z ~ N(Wᵀz + b, v)."""
    x, kernel, bias = _float64(x, kernel, bias)
    covariance = kernel.T @ kernel + variance * np.eye(x.shape[-1])
    offset = x - bias
    distance = (offset @ np.linalg.inv(covariance) * offset).sum(-1)
    _, determinant = np.linalg.slogdet(2 * np.pi * covariance)
    return -0.5 * (distance + determinant)


def free_bits(kl, nats):
    """Σ_d max(nats, batch mean of KL_d), from KL of shape (batch, dims)."""
    return sum(max(nats, column.mean()) for column in np.asarray(kl).T)


def bernoulli_from_probabilities(x, probabilities):
    """Binary cross-entropy summed over each example, (batch,)."""
    x, p = _float64(x, probabilities)
    return _per_example(-(x * np.log(p) + (1 - x) * np.log(1 - p)))


def bernoulli_from_logits(x, logits):
    """The same from a = ln(p / (1 − p)): ln(1 + e^a) − a·x."""
    x, logits = _float64(x, logits)
    return _per_example(np.logaddexp(0, logits) - logits * x)


def gaussian(x, mean, variance):
    """−ln N(x; mean, variance) summed over each example, (batch,)."""
    x, mean = _float64(x, mean)
    return _per_example(-log_normal(x, mean, variance))


def categorical_from_logits(classes, logits):
    """−Σ_t ln softmax(logits)_t[class_t] from integer classes, (batch,)."""
    (logits,) = _float64(logits)
    total = np.log(np.exp(logits).sum(-1))
    chosen = np.take_along_axis(
        logits, np.asarray(classes)[..., None].astype(int), -1
    )
    return _per_example(total - chosen[..., 0])


def central_differences(function, array, step=1e-5):
    """Gradient of a scalar function of one float64 array."""
    array = np.array(array, "float64")
    gradient = np.zeros_like(array)
    for index in np.ndindex(*array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function(array)
        array[index] = kept - step
        below = function(array)
        array[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def weights_of(model):
    """Part → layer → its arrays in float64, of a model of the zoo."""
    parts = {
        part.name: {
            layer.name: _float64(*layer.get_weights())
            for layer in part.layers
            if layer.get_weights()
        }
        for part in (model.encoder, model.decoder)
    }
    means = model.latent.prior.get_weights()
    return parts | ({"prior": {"variables": _float64(*means)}} if means else {})


def dense_vae_loss(weights, x, noise, kl_weight=1.0):
    """mean_x [Σ binary cross-entropy + KL] of the net of kexue.fm 5253."""
    x, noise = _float64(x, noise)
    z_mean, z_log_var = _dense_heads(weights["encoder"], x)
    z = sample(z_mean, z_log_var, noise)
    decoded = _dense_decoder(weights["decoder"], z)
    kl = gaussian_kl(z_mean, z_log_var).sum(-1)
    return np.mean(bernoulli_from_probabilities(x, decoded) + kl_weight * kl)


def conditional_vae_loss(weights, x, one_hot, noise, kl_weight=1.0):
    """As `dense_vae_loss`, with the mean of the example's class as prior."""
    x, one_hot, noise = _float64(x, one_hot, noise)
    z_mean, z_log_var = _dense_heads(weights["encoder"], x)
    z = sample(z_mean, z_log_var, noise)
    decoded = _dense_decoder(weights["decoder"], z)
    class_mean = _dense(weights["prior"]["variables"], one_hot)
    kl = gaussian_kl(z_mean, z_log_var, class_mean).sum(-1)
    return np.mean(bernoulli_from_probabilities(x, decoded) + kl_weight * kl)


def vamp_vae_loss(weights, x, noise):
    """As `dense_vae_loss`, with the mean posterior of the pseudo-inputs."""
    x, noise = _float64(x, noise)
    z_mean, z_log_var = _dense_heads(weights["encoder"], x)
    z = sample(z_mean, z_log_var, noise)
    decoded = _dense_decoder(weights["decoder"], z)
    own = log_normal(z, z_mean, np.exp(z_log_var)).sum(-1)
    (pseudo,) = weights["prior"]["variables"]
    means, log_vars = _dense_heads(weights["encoder"], pseudo)
    each = log_normal(z[:, None], means, np.exp(log_vars)).sum(-1)  # (batch, K)
    prior = np.log(np.exp(each).mean(-1))
    return np.mean(bernoulli_from_probabilities(x, decoded) + own - prior)


def conv_vae_loss(weights, x, noise, kl_weight=1.0):
    """The convolutional net: two strided convolutions and their transposes."""
    x, noise = _float64(x, noise)
    encoder, decoder = weights["encoder"], weights["decoder"]
    first, second = _convolutions(encoder)
    features = _relu(conv(x, *first, stride=2))
    features = _relu(conv(features, *second, stride=2))
    z_mean, z_log_var = _dense_heads(encoder, features.reshape(len(x), -1))

    z = sample(z_mean, z_log_var, noise)
    first, second, last = _convolutions(decoder)
    grid = _relu(_dense(decoder["decoder_hidden"], z)).reshape(features.shape)
    grid = _relu(transposed_conv(grid, *first, stride=2))
    grid = _relu(transposed_conv(grid, *second, stride=2))
    decoded = _sigmoid(transposed_conv(grid, *last, stride=1))
    kl = gaussian_kl(z_mean, z_log_var).sum(-1)
    return np.mean(bernoulli_from_probabilities(x, decoded) + kl_weight * kl)


def poem_vae_loss(weights, ids, noise, kl_weight=1.0):
    """mean_x [Σ_t −ln q(x_t|z) + KL] of the net of kexue.fm 5332."""
    encoder, decoder = weights["encoder"], weights["decoder"]
    x = encoder["characters"][0][np.asarray(ids, "int64")]
    for name in ("encoder_conv_1", "encoder_conv_2"):
        x = gated_residual(x, encoder[name][0])
    pooled = x.mean(axis=1)
    z_mean = _dense(encoder["z_mean"], pooled)
    z_log_var = _dense(encoder["z_log_var"], pooled)
    z = sample(z_mean, z_log_var, noise)
    h = _dense(decoder["decoder_hidden"], z).reshape(x.shape)
    h = gated_residual(h, decoder["decoder_conv_1"][0])
    logits = _dense(decoder["probabilities"], h)
    kl = gaussian_kl(z_mean, z_log_var).sum(-1)
    return np.mean(categorical_from_logits(ids, logits) + kl_weight * kl)


def gated_residual(x, kernel, dilation=1):
    """x + a · sigmoid(g), [a, g] the sums over each step and its neighbours."""
    x, kernel = _float64(x, kernel)
    padded = np.pad(x, [(0, 0), (dilation, dilation), (0, 0)])
    steps = x.shape[1]
    convolved = sum(
        padded[:, tap * dilation : tap * dilation + steps] @ kernel[tap]
        for tap in range(3)
    )
    linear, gate = np.split(convolved, 2, axis=-1)
    return x + linear * _sigmoid(gate)


def conv(images, kernel, bias, stride):
    """Convolution with 'same' padding; kernel (height, width, in, out)."""
    images, kernel, bias = _float64(images, kernel, bias)
    side = kernel.shape[0]
    batch, height, width, _ = images.shape
    rows, columns = -(-height // stride), -(-width // stride)
    padded = np.pad(
        images,
        [
            (0, 0),
            _same_padding(height, rows, side, stride),
            _same_padding(width, columns, side, stride),
            (0, 0),
        ],
    )
    output = np.zeros((batch, rows, columns, kernel.shape[-1]))
    for i in range(side):
        for j in range(side):
            seen = padded[
                :,
                i : i + stride * (rows - 1) + 1 : stride,
                j : j + stride * (columns - 1) + 1 : stride,
            ]
            output += np.einsum("bhwi,io->bhwo", seen, kernel[i, j])
    return output + bias


def transposed_conv(images, kernel, bias, stride):
    """The adjoint of `conv`; kernel (height, width, out, in)."""
    images, kernel, bias = _float64(images, kernel, bias)
    side = kernel.shape[0]
    batch, rows, columns, _ = images.shape
    height, width = rows * stride, columns * stride
    top, bottom = _same_padding(height, rows, side, stride)
    left, right = _same_padding(width, columns, side, stride)
    padded = np.zeros(
        (batch, top + height + bottom, left + width + right, kernel.shape[2])
    )
    for i in range(side):
        for j in range(side):
            padded[
                :,
                i : i + stride * (rows - 1) + 1 : stride,
                j : j + stride * (columns - 1) + 1 : stride,
            ] += np.einsum("bhwi,oi->bhwo", images, kernel[i, j])
    return padded[:, top : top + height, left : left + width] + bias


def _same_padding(size, outputs, side, stride):
    total = max((outputs - 1) * stride + side - size, 0)
    return total // 2, total - total // 2


def _dense_heads(encoder, x):
    hidden = _relu(_dense(encoder["encoder_hidden"], x))
    return _dense(encoder["z_mean"], hidden), _dense(
        encoder["z_log_var"], hidden
    )


def _dense_decoder(decoder, z):
    hidden = _relu(_dense(decoder["decoder_hidden"], z))
    return _sigmoid(_dense(decoder["pixels"], hidden))


def _dense(layer, x):
    kernel, bias = layer
    return x @ kernel + bias


def _convolutions(part):
    """Kernel and bias of each convolution, in order."""
    return [layer for layer in part.values() if layer[0].ndim == 4]


def _relu(x):
    return np.maximum(x, 0)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _per_example(values):
    return values.reshape(len(values), -1).sum(-1)


def _float64(*arrays):
    return [np.asarray(array, "float64") for array in arrays]
