import keras

from keras_capsvae.layers.em_capsules import Children
from keras_capsvae.layers.em_capsules import EMCapsules
from keras_capsvae.layers.em_capsules import check_capsules
from keras_capsvae.routing.em.sharing import AllParents
from keras_capsvae.typing import Shape


@keras.saving.register_keras_serializable(package="keras_capsvae")
class MatrixCapsuleEM(EMCapsules):
    """Fully connected matrix capsules: every child votes for every parent.

    Child i votes `V_ij = P_i W_ij` for the pose of parent j, and `em_routing`
    fits a Gaussian to the votes for each parent: its mean is the parent's pose,
    its activation is high where the votes are many and agree.

    Args:
        num_capsules: Parents.
        routings: Iterations of EM, at least 1. Defaults to 3.
        final_lambda: See `em_routing`. Defaults to 0.01.
        epsilon: See `em_routing`. Defaults to 0.01.
        mass_scale: Factor of the cost, see `em_routing`. `None` takes the
            layer's geometry out as in `ConvMatrixCapsuleEM`. Defaults to 1.
        rematerialize: Whether to compute votes and routing again in the
            backward pass instead of keeping them, for memory. Defaults to
            `False`.
        kernel_initializer: Defaults to `None`: `NoisyIdentity()`, with which
            EM starts from even shares. One that counts the fans of a kernel,
            such as `"glorot_uniform"`, takes this for a convolution's and draws
            far too small values.
        beta_a_initializer, beta_u_initializer: Default to `"zeros"`.
        kernel_regularizer, kernel_constraint: As in `keras.layers.Dense`.
            Default to `None`.

    Inputs: list `[poses, activations]`, `(batch, n, p, p)` and `(batch, n)`.
        Activations are probabilities and are clipped to [0, 1].

    Output: list of the same with num_capsules in place of n, in the compute
        dtype. Computed in float32 whatever the dtype policy is.

    Weights: `kernel`, `(n, num_capsules, p, p)`; `beta_a` and `beta_u`,
        `(num_capsules,)`.

    Raises:
        ValueError: If a size is below 1 or a number not above 0, poses are not
            square, or poses and activations disagree.
        TypeError: If a size is no integer.

    Example:

    >>> layer = MatrixCapsuleEM(10)
    >>> poses, activations = layer([np.ones((2, 32, 4, 4)), np.ones((2, 32))])
    >>> poses.shape, activations.shape
    (TensorShape([2, 10, 4, 4]), TensorShape([2, 10]))

    Source: kexue.fm 5155; Hinton, Sabour and Frosst, 2018.
    """

    def build(self, input_shape: list[Shape]) -> None:
        n, p, _ = check_capsules(self, input_shape, spatial=False)
        self._add_weights(n, pose_size=p)

    def _children(self, poses, activations):
        scale = self._geometry_scale(self.num_capsules, poses.shape[1])
        return Children(poses[:, None], activations, AllParents(), scale)

    def compute_output_shape(self, input_shape: list[Shape]) -> list[Shape]:
        n, p, _ = check_capsules(self, input_shape, spatial=False)
        batch = input_shape[0][0]
        return [
            (batch, self.num_capsules, p, p),
            (batch, self.num_capsules),
        ]
