import type { Command } from 'commander';

export function orderCommands(_program: Command): void {}
