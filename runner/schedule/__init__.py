"""When jobs run by themselves: cron's times, right through changes of clocks."""
