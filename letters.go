package goaltrack

import "github.com/goaltrack/goaltrack/queue"

func (s *sender) letters() []queue.Letter {
	if m, ok := s.queue.(*queue.Memory); ok {
		return m.Letters()
	}
	return nil
}
