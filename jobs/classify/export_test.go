package classify

import (
	"context"
	"time"

	"github.com/shardmill/shardmill/mapreduce"
)

// SlowJob is the job on storage where each file has a latency. Plainly it reads a file
// only when it is to be decoded.
func SlowJob(latency time.Duration, plainly bool) mapreduce.Job {
	return mapreduce.New("classify", Version, Defaults(), func(p Params) ([]mapreduce.Stage, error) {
		all, err := stages(p)
		if err != nil {
			return nil, err
		}
		s := newStreams(p)
		seen := newDuplicateIDs(p)
		slow := mapreduce.NewStage("classify", source(p, seen), p.Batch,
			func(_ context.Context, env *mapreduce.Env) (mapreduce.Mapper[image], error) {
				c, err := newClassifier(p, s, newDuplicates(env, seen))
				if err != nil {
					return nil, err
				}
				c.read = func(ctx context.Context, im *image, buf []byte) ([]byte, error) {
					time.Sleep(latency)
					return read(ctx, im, buf)
				}
				if plainly {
					return plain{c, c}, nil
				}
				return c, nil
			}, s.writes(p)...)
		slow.Timeout, slow.Files = all[0].Timeout, all[0].Files
		return []mapreduce.Stage{slow}, nil
	})
}

// plain is a classifier without the power to fetch.
type plain struct {
	mapreduce.Mapper[image]
	c *classifier
}

// Prepare reads and decodes an image.
func (p plain) Prepare(ctx context.Context, im *image) (int64, error) {
	if _, err := p.c.Fetch(ctx, im); err != nil {
		return 0, err
	}
	return p.c.Prepare(ctx, im)
}
