// Package preprocess says what an image model wants to see, and fills its input
// tensor from the pixels of a crop.
//
// A [Spec] is one of the presets or a YAML file:
//
//	layout: NCHW            # or NHWC
//	channels: RGB           # or BGR, gray: the order in the tensor, in mean and in std
//	type: float             # the model's: float (float32 or float16), float32, float16, uint8
//	resize: shorter 256     # or 224x224 (width x height), none
//	crop: 224x224           # central, width x height; or none
//	crop_round: floor       # or half-even: how half a pixel of offset is rounded
//	interpolation: bilinear # with antialias; or nearest
//	orientation: ignore     # or exif: turn images upright by their EXIF orientation
//	background: none        # or white, black, "#rrggbb": what shows through transparent pixels
//	icc: srgb               # convert to sRGB by the image's ICC profile; or ignore
//	scale: 0.00392156862745098
//	mean: [0.485, 0.456, 0.406]
//	std: [0.229, 0.224, 0.225]
//	output: {kind: logits}  # or probabilities, {kind: quantised, scale: 0.00390625, zero_point: 0}
//	label_offset: 0         # model output i is label i - label_offset
//
// layout, channels, resize, crop and output must be given; the rest has the
// values above as defaults, except scale 1, mean 0 and std 1. A sample v, 0 to
// 255, becomes (v*scale - mean) / std. In a uint8 tensor that is rounded to the
// nearest integer, half to even, and must lie within 0 to 255.
//
// Models are trained on sRGB. Cameras and editors also write Adobe RGB, Display P3
// and other spaces, whose samples taken as sRGB are the wrong colours: hence the default of icc.
//
// Without a background alpha is dropped, as most training pipelines do: transparent pixels have the colour that the file stores
// for them, often black. A background is blended with the samples as they are stored, before the resize.
//
// The outputs of a quantised model are integers q for the probability
// scale * (q - zero_point).
//
// # Presets
//
// All resize the shorter side to 256, bilinear with antialias, take the central
// 224x224 with its offset rounded down, ignore EXIF, drop alpha and convert to sRGB.
//
//	imagenet        NCHW float RGB, scale 1/255, mean .485 .456 .406, std .229 .224 .225; logits
//	imagenet-caffe  NCHW float BGR, 0 to 255 less 104 117 123; probabilities
//	raw             NHWC uint8 RGB as it is; probabilities
package preprocess
