package mapreduce_test

import (
	"errors"
	"testing"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// A job with other parameters is refused, and told whether the one that is there has taken anything of its input.
func TestBarrenJob(t *testing.T) {
	inputs := mrtest.Inputs(t, text(30), text(20))
	for point, barren := range map[string]bool{
		"open": true, "planned:00-split": true, "start:00-split/split-000000": true,
		"committed:00-split/split-000000": false, "clean:00-split": false, "finished": false,
	} {
		t.Run(point, func(t *testing.T) {
			cfg := in(t, inputs)
			interrupted(t, wordsJob(), cfg, point)
			before := mrtest.Tree(t, cfg.Dir)
			other := cfg
			other.Partitions = 2
			s, err := mapreduce.Run(t.Context(), options(), wordsJob(), other)
			mrtest.Code(t, s, err, mapreduce.ExitUsage)
			mrtest.SameFiles(t, before, mrtest.Tree(t, cfg.Dir))
			var identity *mapreduce.IdentityError
			if !errors.As(err, &identity) || identity.Barren != barren {
				t.Errorf("%v, want barren %t", err, barren)
			}
			mrtest.Run(t, options(), wordsJob(), cfg, mapreduce.ExitComplete)
		})
	}
}
