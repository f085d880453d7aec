package main

import (
	"context"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// standIn is the cdp command: the stand-in for the CDP on a local port. It
// reads no environment, because GOALTRACK_LISTEN is for the proxy, which runs
// beside it.
type standIn struct{ listen string }

func cdpCommand() command {
	return command{name: "cdp", summary: "stand in for the CDP, for development", program: &standIn{}, inOrder: true}
}

func (s *standIn) check(v *settings.Values, _ []string) error {
	s.listen = v.Text("listen")
	return checkAddress(v, "listen")
}

func (s *standIn) run(ctx context.Context, c console) error {
	listener, err := listen(ctx, s.listen)
	if err != nil {
		return err
	}
	handler := cdptest.New(cdptest.Options{OnEvent: func(e cdptest.Event) {
		c.logger.Info("event", "type", e.Type, "page", e.Page, "browser", e.BrowserID, "ext", e.Ext, "lost", e.Lost)
	}})
	return serve(ctx, listener, handler, requestGrace, c)
}
