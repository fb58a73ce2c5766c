module example.com/ownjob

go 1.26

require github.com/shardmill/shardmill v0.0.0

replace github.com/shardmill/shardmill => ../../..
