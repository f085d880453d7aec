package main

import (
	"errors"
	"flag"
	"fmt"
	"time"
)

// options are the flags.
type options struct {
	listen, rules       string
	spool               string
	grace               time.Duration
	cdp, clientKey, pos string
}

func parseFlags(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("example", flag.ContinueOnError)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` of the shop; port 0 takes a free one")
	flags.StringVar(&o.rules, "rules", "", "rule `file` to use in place of the shop's own")
	flags.StringVar(&o.spool, "spool", "", "`directory` in which events wait, so that they outlive the shop; without it they wait in memory")
	flags.DurationVar(&o.grace, "grace", 10*time.Second, "how long visitors may take to finish when the shop closes, and then the last events")
	flags.StringVar(&o.cdp, "cdp", "", "base `URL` of a real CDP; without it the shop brings its own")
	flags.StringVar(&o.clientKey, "client-key", "", "client `key` of the real CDP")
	flags.StringVar(&o.pos, "pos", "", "point of sale, the `name` spelled as in the real CDP")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.cdp == "" && o.clientKey+o.pos != "" {
		return o, errors.New("-client-key and -pos need -cdp")
	}
	return o, nil
}
