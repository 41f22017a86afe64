from keras_capsvae.models.variational_autoencoder import VariationalAutoencoder

__all__ = ["VariationalAutoencoder"]
