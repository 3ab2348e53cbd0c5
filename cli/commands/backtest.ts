import type { Command } from 'commander';

export function backtestCommand(_program: Command): void {}
