package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/mapreduce"
)

const classifyText = `
Classifies images with an ONNX model. An input that ends in .csv, .tsv, .jsonl
or .ndjson, each also as .gz, .zst or .zstd, or in .parquet is a manifest with a
column of paths; a folder is searched for .jpg .jpeg .png .gif .webp .bmp .tif
and .tiff files and for .tar; any other file is an image. A .tar has samples in
WebDataset's naming: 0001.jpg, 0001.cls, 0001.json. A .parquet may have the
images themselves in a column. Other columns and attributes are carried through
to the results. With --label-col the results are compared with the labels given:
accuracy, precision, recall, F1, confusion and calibration are printed, and are
in out/evaluation*. The same command continues where an earlier run stopped.

The input - is a list on standard input, one path of an image a line. The list
is kept in the job directory, so a job continues without it: the same command
with an empty standard input, or with a terminal there, and rerun use what was
read before. A list that is given again must be the same.

With --model more than once, all models classify in one pass, and images are
decoded once for all that want the same pixels. --labels, --preprocess and
--embedding are then given once for all models, or once for each in their order;
'' is none. Models are told apart by the name of their file, or of its folder
for a model.onnx. An image is dropped if no model has a score over --threshold.

Examples:
  shardmill classify --model model.onnx --labels labels.txt \
      --preprocess imagenet --out job --label-col label photos.csv
  shardmill show job
  find /photos -name '*.jpg' -newer last | shardmill classify \
      --model model.onnx --labels labels.txt --preprocess imagenet --out new -
  shardmill classify --model features.onnx --preprocess imagenet \
      --embedding features --l2 --out vectors photos/
`

func classifyFlags() []cli.Flag {
	d := classify.Defaults()
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "model", Usage: "`FILE`the model, model.onnx; may be repeated"},
		&cli.StringSliceFlag{Name: "labels", Usage: "`FILE`the labels, one a line, in the model's order; not needed with --embedding"},
		&cli.StringSliceFlag{
			Name:  "preprocess",
			Usage: "`SPEC`how an image becomes the model's input: a YAML file or one of " + strings.Join(classify.Presets(), ", "),
		},
		&cli.StringSliceFlag{Name: "embedding", Usage: "`TENSOR`output of the model that comes out in the dataset embeddings"},
		&cli.BoolFlag{Name: "l2", Usage: "divide embeddings by their length"},
		&cli.StringFlag{Name: "orientation", Usage: "`DO`exif turns photos upright as cameras note it, ignore does not (default: as SPEC says)"},
		outFlag(),
		&cli.StringFlag{Name: "root", Usage: "`DIR`folder of relative paths in manifests (default: the manifest's own)"},
		&cli.StringFlag{Name: "path-col", Value: d.PathCol, Usage: "`COL`column with the image's path (default: " + d.PathCol + ")"},
		&cli.StringFlag{Name: "id-col", Usage: "`COL`column with a unique id (default: the path is the id)"},
		&cli.StringFlag{Name: "image-col", Usage: "`COL`column of Parquet with the images' bytes (default: image or bytes)"},
		&cli.StringFlag{Name: "label-col", Usage: "`COL`column with the true label; it comes out as true_label"},
		evaluateFlag(),
		duplicateIDsFlag(),
		&cli.IntFlag{Name: "top-k", Value: d.TopK, Usage: "`K`labels of an image (default: 5)"},
		&cli.Float64Flag{Name: "threshold", Value: d.Threshold, Usage: "`S`least score of a label, 0 to 1 (default: 0)"},
		&cli.StringFlag{Name: "partition-by", Usage: "`label`a folder label=ID for each label in ranked; for few labels"},
		&cli.StringFlag{Name: "damaged", Value: d.Damaged, Usage: "`DO`accept or reject images that decode only in part (default: " + d.Damaged + ")"},
		&cli.StringFlag{Name: "max-pixels", Value: "100M", Usage: "`N`reject images with more pixels (default: 100M)"},
		&cli.DurationFlag{Name: "image-timeout", Value: 30 * time.Second, Usage: "`TIME`longest time for an image (default: 30s)"},
		&cli.IntFlag{Name: "batch", Value: d.Batch, Usage: "`N`images that the model gets at a time (default: 8)"},
		deviceFlag(),
		&cli.Int64Flag{Name: "shard-rows", Value: d.ShardRows, Usage: "`N`most images of a shard (default: 2000)"},
	}
}

func (p *program) classifyCommand() *cli.Command {
	return &cli.Command{
		Name: "classify", Usage: "classify images with an ONNX model",
		ArgsUsage: "INPUT...", Description: classifyText,
		Flags: slices.Concat(classifyFlags(), identityFlags(), runFlags(), []cli.Flag{contentFlag()}),
		Action: func(c *cli.Context) error {
			cfg, err := jobConfig(c)
			if err == nil {
				cfg.Params, err = classifyParams(c)
				cfg.Stdin = stdinOf(cfg.Inputs)
			}
			if err != nil {
				return err
			}
			return p.runJob(c.Context, styleOf(c), cfg, func(ctx context.Context, cfg mapreduce.Config) (mapreduce.Summary, error) {
				return mapreduce.Run(ctx, jobs.Standard(), classify.Job(), cfg)
			})
		},
	}
}

// classifyParams are the job's parameters as JSON. Paths in them are absolute, and equal values are
// written alike, since they are compared when the command comes again.
func classifyParams(c *cli.Context) ([]byte, error) {
	params := classify.Params{
		Root: c.String("root"), L2: c.Bool("l2"), PathCol: c.String("path-col"), IDCol: c.String("id-col"),
		LabelCol: c.String("label-col"), ImageCol: c.String("image-col"),
		TopK: c.Int("top-k"), Threshold: c.Float64("threshold"), Batch: c.Int("batch"), ShardRows: c.Int64("shard-rows"),
		ImageTimeout: c.Duration("image-timeout").String(), Damaged: c.String("damaged"), PartitionBy: c.String("partition-by"),
		Evaluate:    evaluates(c),
		Orientation: c.String("orientation"),
	}
	if params.DuplicateIDs = c.String("duplicate-ids"); params.DuplicateIDs == duplicateIDsError {
		params.DuplicateIDs = ""
	}
	params.Device = classify.NormalDevice(c.String("device"))
	models, err := classify.ModelsOf(c.StringSlice("model"), c.StringSlice("labels"), c.StringSlice("preprocess"), c.StringSlice("embedding"))
	if err != nil {
		return nil, badUsage(commandName(c), "%w", err)
	}
	params = params.WithModels(models)
	if params.MaxPixels, err = parseCount(c.String("max-pixels")); err != nil {
		return nil, badUsage(commandName(c), "--max-pixels: %w", err)
	}
	if params, err = params.Absolute(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(params)
	if err != nil { // JSON has no NaN and no infinity
		return nil, badUsage(commandName(c), "--threshold %v: from 0 to 1", params.Threshold)
	}
	return b, nil
}
