# Fits the problem in each folder named on the command line with glmnet; see glmnet_agreement.py.
suppressPackageStartupMessages(library(glmnet))
# glmnet stops a path early where little is left to explain, which no comparison wants.
glmnet.control(fdev = 0, devmax = 1)

read <- function(folder, name, what = "double", size = 8) {
  file <- file.path(folder, name)
  readBin(file, what, file.info(file)$size / size, size = size, endian = "little")
}

for (folder in commandArgs(trailingOnly = TRUE)) {
  shape <- read(folder, "shape", "integer", 4)
  X <- sparseMatrix(
    i = read(folder, "indices", "integer", 4),
    p = read(folder, "indptr", "integer", 4),
    x = read(folder, "data"),
    dims = shape, index1 = FALSE
  )
  if (length(X@x) == prod(shape)) X <- as.matrix(X)
  alphas <- read(folder, "alphas")
  fit <- glmnet(
    X, read(folder, "y"),
    weights = read(folder, "weight"),
    alpha = read(folder, "l1_ratio"),
    lambda = alphas,
    penalty.factor = read(folder, "penalty"),
    lower.limits = read(folder, "lower"),
    upper.limits = read(folder, "upper"),
    standardize = FALSE, thresh = 1e-22, maxit = 1e8
  )
  stopifnot(length(fit$lambda) == length(alphas))
  writeBin(as.vector(as.matrix(fit$beta)), file.path(folder, "coefs"), endian = "little")
}
