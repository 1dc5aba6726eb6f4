//! Data sources.

use std::path::PathBuf;

use super::declare::kind;

kind! {
    /// Where samples come from. Paths are relative to the working directory.
    Source is Source {
        Digits(Digits) "digits" {
            summary: "1,797 handwritten digits of 8x8 pixels, part of the program: needs no file.",
            source: "Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI 1998",
            notes: "The split into training and test samples is fixed.",
            example: "data digits",
        } with {}

        Mnist(Mnist) "mnist" {
            summary: "60,000 + 10,000 handwritten digits, 1x28x28.",
            source: "LeCun et al. 1998",
            notes: "Four idx files under their published names, plain or with `.gz`: `train-images-idx3-ubyte`, \
                    `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`.",
            example: "data mnist(root = \"data/mnist\")",
        } with {
            root: PathBuf => "folder of the four files", default("\"data/mnist\"", "choice of this project"), first();
        }

        FashionMnist(FashionMnist) "fashion_mnist" {
            summary: "60,000 + 10,000 images of clothing, 1x28x28.",
            source: "Xiao et al. 2017",
            notes: "Four idx files under the same names as those of `mnist`, plain or with `.gz`.",
            example: "data fashion_mnist(root = \"data/fashion_mnist\")",
        } with {
            root: PathBuf => "folder of the four files", default("\"data/fashion_mnist\"", "choice of this project"), first();
        }

        Cifar10(Cifar10) "cifar10" {
            summary: "50,000 + 10,000 images in 10 classes, 3x32x32.",
            source: "Krizhevsky 2009",
            notes: "Binary records: `data_batch_1.bin` to `data_batch_5.bin` (those that are there) and `test_batch.bin`; \
                    any whole number of records.",
            example: "data cifar10(root = \"data/cifar10\") augment [crop(pad = 4), flip]",
        } with {
            root: PathBuf => "folder of the binary files", default("\"data/cifar10\"", "choice of this project"), first();
        }

        Cifar100(Cifar100) "cifar100" {
            summary: "50,000 + 10,000 images in 100 classes, 3x32x32.",
            source: "Krizhevsky 2009",
            notes: "Binary records: `train.bin` and `test.bin`; the fine labels are the classes.",
            example: "data cifar100(root = \"data/cifar100\") augment [crop(pad = 4), flip]",
        } with {
            root: PathBuf => "folder of the binary files", default("\"data/cifar100\"", "choice of this project"), first();
        }

        Idx(Idx) "idx" {
            summary: "Images and labels in idx files, the format of MNIST, plain or gz.",
            source: "the file format described with MNIST, LeCun et al. 1998",
            example: "data idx(images = \"train.idx3\", labels = \"train.idx1\", test_images = \"test.idx3\", test_labels = \"test.idx1\")",
        } with {
            images: PathBuf => "training images: unsigned bytes, 3 or 4 dimensions";
            labels: PathBuf => "training labels: unsigned bytes";
            test_images: PathBuf => "test images, of the same size";
            test_labels: PathBuf => "test labels";
        }
    }
}
