package recommend

import (
	"fmt"
	"math"

	"github.com/shardmill/shardmill/mapreduce"
)

// rung is a stage that tries configurations on some of the users. Without a budget there is one rung, of all users.
type rung struct {
	number   int     // from 1
	share    float64 // of the users
	entrants int     // configurations; from the second rung on the best of the one before
	rows     *mapreduce.Dataset[measured]
}

// eta is what share of the configurations a rung leaves for the next, which has so many times as many users: Jamieson and
// Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016.
const eta = 3

// mostSampled is the largest share of the users that is worth to be taken instead of all.
const mostSampled = .5

// rungsOf spreads a budget, in configurations trained on all users, over the rungs of n configurations by successive halving. Each
// rung gets the same part of it. A budget of 0, or one that is enough for all, makes one rung.
func rungsOf(n int, budget float64) ([]rung, error) {
	if budget == 0 || budget >= float64(n) {
		return []rung{{number: 1, share: 1, entrants: n, rows: measuredRows("rung_1")}}, nil
	}
	rungs := 1
	for left := n; left >= eta; left /= eta {
		rungs++
	}
	last := math.Pow(eta, float64(rungs-1))
	if least := math.Ceil(mostSampled * float64(rungs) * float64(n) / last); budget < least {
		return nil, fmt.Errorf("--budget %v: %d configurations need at least %v, in units of one that is trained on all users", budget, n, least)
	}
	var list []rung
	share, entrants := budget/(float64(rungs)*float64(n)), n
	for number := 1; number <= rungs; number++ {
		r := rung{number: number, share: share, entrants: entrants, rows: measuredRows(fmt.Sprintf("rung_%d", number))}
		if share > mostSampled || number == rungs {
			r.share = 1
			return append(list, r), nil
		}
		list = append(list, r)
		share, entrants = share*eta, (entrants+eta-1)/eta
	}
	return list, nil
}

// rungs are those of the parameters' configurations.
func (p EvaluationParams) rungs() ([]rung, error) {
	configurations, err := p.configurations()
	if err != nil {
		return nil, err
	}
	return rungsOf(len(configurations), p.Budget)
}
