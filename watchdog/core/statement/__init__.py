"""From the intervals of one or several watchdogs to a statement, and back: does a statement hold?"""
