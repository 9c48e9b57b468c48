"""The transfer matrix: does a detector learned elsewhere fire when an organism misbehaves?"""
