import type { Command } from 'commander';

export function traceCommand(_program: Command): void {}
