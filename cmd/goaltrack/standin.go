package main

import (
	"context"
	"fmt"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// standIn is the cdp command: the CDP's stand-in on a local port.
type standIn struct {
	listen   string
	settings *settings
}

func newStandIn() *standIn {
	s := &standIn{listen: "127.0.0.1:7000"}
	// No variables: GOALTRACK_LISTEN is for the proxy, which runs beside it.
	s.settings = &settings{list: []setting{{
		name: "listen", into: &s.listen, value: "HOST:PORT",
		about: "where events arrive; a browser sees there what arrived",
	}}}
	return s
}

func (s *standIn) table() *settings { return s.settings }

func (s *standIn) check() error {
	if err := checkAddress(s.listen); err != nil {
		return fmt.Errorf("%s: %w", s.settings.from("listen"), err)
	}
	return nil
}

func (s *standIn) run(ctx context.Context, c console) error {
	listener, err := listen(ctx, s.listen)
	if err != nil {
		return err
	}
	handler := cdptest.New(cdptest.Options{OnEvent: func(e cdptest.Event) {
		c.logger.Info("event", "type", e.Type, "page", e.Page, "browser", e.BrowserID, "ext", e.Ext, "lost", e.Lost)
	}})
	return serve(ctx, listener, handler, c)
}
