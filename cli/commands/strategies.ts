import type { Command } from 'commander';

export function strategyCommands(_program: Command): void {}
