// How long this process computed, which does not depend on what else the machine does.

/** Starts a clock; it answers the milliseconds of CPU time since then, all threads together. */
export function startCpuClock(): () => number {
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
}
