// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"context"

	"github.com/strongswan-exporter/strongswan_exporter/vici"
)

// Metrics of the daemon itself.
var (
	daemonInfo = gauge("daemon_info",
		"The daemon's version and the system that it runs on; always 1.", "daemon", "version", "sysname", "release", "machine")
	startTimeSeconds = gauge("start_time_seconds",
		"When the daemon started; absent until its time zone can be told.")
	workerThreads     = gauge("worker_threads", "Number of the daemon's worker threads.")
	workerThreadsIdle = gauge("worker_threads_idle", "Number of worker threads that wait for a job.")
	workerActive      = gauge("worker_threads_active",
		"Number of worker threads that execute a job, by the job's priority.", "priority")
	queuedJobs = gauge("queued_jobs",
		"Number of jobs that wait for a worker thread, by priority.", "priority")
	scheduledJobs  = gauge("scheduled_jobs", "Number of jobs that wait for their time.")
	daemonIKESAs   = gauge("daemon_ike_sas", "Number of IKE_SAs in any state, as the daemon counts them.")
	daemonHalfOpen = gauge("daemon_ike_sas_half_open", "Number of IKE_SAs that are not established yet, as the daemon counts them.")
	mallocSbrk     = gauge("malloc_sbrk_bytes", "Size of the heap that the daemon's C library got by sbrk.")
	mallocMmap     = gauge("malloc_mmap_bytes", "Size of the heap that the daemon's C library got by mmap.")
	mallocUsed     = gauge("malloc_used_bytes", "Size of the heap in use.")
	mallocFree     = gauge("malloc_free_bytes", "Size of the heap that is free.")
	heapBytes      = gauge("heap_bytes", "Size of the memory allocated, where the daemon counts its allocations itself.")
	heapAllocs     = gauge("heap_allocations", "Number of blocks allocated, where the daemon counts its allocations itself.")
)

// daemonSource gives the daemon's version, load and memory.
type daemonSource struct{}

func (daemonSource) Metrics() []*Metric {
	return []*Metric{
		daemonInfo, startTimeSeconds, workerThreads, workerThreadsIdle, workerActive, queuedJobs, scheduledJobs,
		daemonIKESAs, daemonHalfOpen, mallocSbrk, mallocMmap, mallocUsed, mallocFree, heapBytes, heapAllocs,
	}
}

func (daemonSource) Collect(ctx context.Context, r *round, out *Page) error {
	if err := r.askVersion(ctx); err != nil {
		return err
	}
	if err := r.askStats(ctx); err != nil {
		return err
	}
	v := r.version
	out.Gauge(daemonInfo, 1, newLabels("daemon", v.Daemon, "version", v.Version,
		"sysname", v.Sysname, "release", v.Release, "machine", v.Machine))
	emitLoad(out, &r.stats)
	emitMemory(out, &r.stats)
	if moment, ok := r.start.known(); ok {
		out.Gauge(startTimeSeconds, float64(moment.Unix()), nil)
	}
	return nil
}

func emitLoad(out *Page, s *vici.Stats) {
	emitOpt(out, workerThreads, s.Workers.Total, nil)
	emitOpt(out, workerThreadsIdle, s.Workers.Idle, nil)
	emitPriorities(out, workerActive, s.Workers.Active)
	emitPriorities(out, queuedJobs, s.Queues)
	emitOpt(out, scheduledJobs, s.Scheduled, nil)
	emitOpt(out, daemonIKESAs, s.IKESAs.Total, nil)
	emitOpt(out, daemonHalfOpen, s.IKESAs.HalfOpen, nil)
}

func emitPriorities(out *Page, m *Metric, p vici.Priorities) {
	emitOpt(out, m, p.Critical, newLabels("priority", "critical"))
	emitOpt(out, m, p.High, newLabels("priority", "high"))
	emitOpt(out, m, p.Medium, newLabels("priority", "medium"))
	emitOpt(out, m, p.Low, newLabels("priority", "low"))
}

func emitMemory(out *Page, s *vici.Stats) {
	if m, ok := s.Mallinfo.Get(); ok {
		emitOpt(out, mallocSbrk, m.Sbrk, nil)
		emitOpt(out, mallocMmap, m.Mmap, nil)
		emitOpt(out, mallocUsed, m.Used, nil)
		emitOpt(out, mallocFree, m.Free, nil)
	}
	if m, ok := s.Mem.Get(); ok {
		emitOpt(out, heapBytes, m.Total, nil)
		emitOpt(out, heapAllocs, m.Allocs, nil)
	}
}

// emitOpt adds a gauge if the daemon sent its value.
func emitOpt(out *Page, m *Metric, value vici.Opt[uint64], labels Labels) {
	if v, ok := value.Get(); ok {
		out.Gauge(m, float64(v), labels)
	}
}
