import type { Command } from 'commander';

export function readCommands(_program: Command): void {}
