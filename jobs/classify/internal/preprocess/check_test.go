package preprocess

import "testing"

func TestCheckAccepts(t *testing.T) {
	for _, tt := range []struct {
		preset string
		shape  []int64
		elem   string
	}{
		{"imagenet", []int64{-1, 3, 224, 224}, "float32"},
		{"imagenet", []int64{1, 3, 224, 224}, "float16"},
		{"imagenet", []int64{8, 3, -1, -1}, "float32"},
		{"imagenet", []int64{-1, -1, -1, -1}, "float32"},
		{"imagenet-caffe", []int64{-1, 3, 224, 224}, "float32"},
		{"raw", []int64{-1, 224, 224, 3}, "uint8"},
	} {
		if err := mustLoad(t, tt.preset).Check(tt.shape, tt.elem); err != nil {
			t.Errorf("%v", err)
		}
	}
}

func TestCheckExplains(t *testing.T) {
	gray := mustParse(t, "{layout: NHWC, channels: gray, type: float16, resize: 32x28, crop: none, output: {kind: logits}}")
	imagenet, raw := mustLoad(t, "imagenet"), mustLoad(t, "raw")
	for _, tt := range []struct {
		spec  Spec
		shape []int64
		elem  string
		want  string
	}{
		{
			imagenet,
			[]int64{-1, 224, 224, 3},
			"uint8",
			"the model wants NHWC uint8 [N,224,224,3]; preset imagenet gives NCHW float32 3x224x224: use --preprocess raw or a spec file",
		},
		{
			raw,
			[]int64{1, 3, 224, 224},
			"float32",
			"the model wants NCHW float32 [1,3,224,224]; preset raw gives NHWC uint8 224x224x3: use --preprocess imagenet, imagenet-caffe or a spec file",
		},
		{
			imagenet,
			[]int64{-1, 3, 299, 299},
			"float32",
			"the model wants NCHW float32 [N,3,299,299]; preset imagenet gives NCHW float32 3x224x224: use a spec file",
		},
		{
			imagenet,
			[]int64{-1, 3, 224, 224},
			"int64",
			"the model wants NCHW int64 [N,3,224,224]; preset imagenet gives NCHW float32 3x224x224: use a spec file",
		},
		{
			imagenet,
			[]int64{-1, 784},
			"float32",
			"the model wants float32 [N,784]; preset imagenet gives NCHW float32 3x224x224: use a spec file",
		},
		{
			gray,
			[]int64{-1, -1, -1, 1},
			"float32",
			"the model wants NHWC float32 [N,?,?,1]; the spec gives NHWC float16 28x32x1: use a spec file",
		},
		{
			imagenet, nil, "float32",
			"the model wants float32 []; preset imagenet gives NCHW float32 3x224x224: use a spec file",
		},
	} {
		err := tt.spec.Check(tt.shape, tt.elem)
		if err == nil {
			t.Errorf("%v %s accepted", tt.shape, tt.elem)
			continue
		}
		if err.Error() != tt.want {
			t.Errorf("got  %s\nwant %s", err, tt.want)
		}
	}
}
